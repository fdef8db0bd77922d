// The command line of xc-inject as plain data, read from the very tree that parses it: help, completions and man pages
// say the same.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace xc::verbs {

struct OptionInfo {
  std::vector<std::string> names;  ///< "--json", "-h"; of a positional its one name
  std::string about;
  bool positional = false;
  bool takes_value = false;
  std::string value;                 ///< what the value is called: FILE, DIR, TEXT
  std::vector<std::string> choices;  ///< the only values it takes; empty: any
};

struct VerbInfo {
  std::string name;
  std::string about;
  std::string footer;
  std::vector<OptionInfo> options;
  std::vector<VerbInfo> verbs;
};

/// The tree below `app`, hidden verbs left out.
[[nodiscard]] VerbInfo tree_of(const CLI::App& app);

/// A completion script; `shell` is bash, zsh or fish.
[[nodiscard]] std::string completion_of(const VerbInfo& tree, const std::string& shell);

/// xc-inject(1) in the language of man(7).
[[nodiscard]] std::string man_of(const VerbInfo& tree);

}  // namespace xc::verbs
