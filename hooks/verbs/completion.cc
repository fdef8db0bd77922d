// xc-inject completion bash|zsh|fish.
#include <CLI/CLI.hpp>
#include <functional>
#include <memory>

#include "base/text.h"
#include "verbs/tree.h"
#include "verbs/verbs.h"

namespace xc::verbs {
namespace {

constexpr const char* names_of_containers = R"(xc-inject ps 2>/dev/null | tail -n +2 | cut -d" " -f1 | sort -u)";

std::string shell_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

/// What may follow `verb`: its verbs and its options.
std::string words_after(const VerbInfo& verb) {
  std::vector<std::string> words;
  for (const VerbInfo& below : verb.verbs) words.push_back(below.name);
  for (const OptionInfo& option : verb.options)
    if (!option.positional) words.insert(words.end(), option.names.begin(), option.names.end());
  return text::join(words, " ");
}

bool takes_container(const VerbInfo& verb) {
  for (const OptionInfo& option : verb.options)
    if (option.positional && option.names.front().starts_with("CONTAINER")) return true;
  return false;
}

std::string choices_of_positional(const VerbInfo& verb) {
  for (const OptionInfo& option : verb.options)
    if (option.positional && !option.choices.empty()) return " " + text::join(option.choices, " ");
  return "";
}

using Visit = std::function<void(const std::string& path, const VerbInfo& verb)>;
void each(const VerbInfo& verb, const std::string& path, const Visit& visit) {
  visit(path, verb);
  for (const VerbInfo& below : verb.verbs) each(below, path.empty() ? below.name : path + " " + below.name, visit);
}

/// Cases of a shell's `case`: `around` writes one, from a pattern and the words.
std::string cases(const VerbInfo& tree, const std::string& reply, const std::string& close) {
  std::string out;
  each(tree, "", [&](const std::string& path, const VerbInfo& verb) {
    const std::string names = takes_container(verb) ? " $(" + std::string(names_of_containers) + ")" : "";
    out += "    " + shell_quoted(path) + ") " + reply + "\"" + words_after(verb) + choices_of_positional(verb) + names +
           "\"" + close + " ;;\n";
  });
  return out;
}

/// Cases of `"VERB --option"` for options with a list of values.
std::string value_cases(const VerbInfo& tree, const std::string& reply, const std::string& close) {
  std::string out;
  each(tree, "", [&](const std::string& path, const VerbInfo& verb) {
    for (const OptionInfo& option : verb.options)
      if (!option.positional && !option.choices.empty())
        for (const std::string& name : option.names)
          out += "    " + shell_quoted(path + " " + name) + ") " + reply + "\"" + text::join(option.choices, " ") +
                 "\"" + close + "; return ;;\n";
  });
  return out;
}

std::string bash(const VerbInfo& tree) {
  return "# bash completion of xc-inject, made by: xc-inject completion bash\n"
         "_xc_inject() {\n"
         "  local current=\"${COMP_WORDS[COMP_CWORD]}\" previous=\"${COMP_WORDS[COMP_CWORD-1]}\" verb='' word\n"
         "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
         "    case \"$word\" in -*) ;; *) [ -n \"$verb\" ] && [ \"$verb\" != hooks ] || verb=\"${verb:+$verb }$word\" "
         ";; esac\n"
         "  done\n"
         "  case \"$verb $previous\" in\n" +
         value_cases(tree, "COMPREPLY=($(compgen -W ", " -- \"$current\"))") +
         "  esac\n"
         "  case \"$verb\" in\n" +
         cases(tree, "COMPREPLY=($(compgen -W ", " -- \"$current\"))") +
         "  esac\n"
         "}\n"
         "complete -o default -F _xc_inject xc-inject\n";
}

std::string zsh(const VerbInfo& tree) {
  return "#compdef xc-inject\n"
         "# zsh completion of xc-inject, made by: xc-inject completion zsh\n"
         "_xc_inject() {\n"
         "  local verb='' word\n"
         "  for word in \"${(@)words[2,CURRENT-1]}\"; do\n"
         "    case \"$word\" in -*) ;; *) [[ -n \"$verb\" && \"$verb\" != hooks ]] || verb=\"${verb:+$verb }$word\" ;; "
         "esac\n"
         "  done\n"
         "  case \"$verb ${words[CURRENT-1]}\" in\n" +
         value_cases(tree, "compadd -- ${=:-", "}") +
         "  esac\n"
         "  case \"$verb\" in\n" +
         cases(tree, "compadd -- ${=:-", "}") +
         "  esac\n"
         "  _files\n"
         "}\n"
         "if [ \"$funcstack[1]\" = _xc_inject ]; then _xc_inject \"$@\"; else compdef _xc_inject xc-inject; fi\n";
}

std::string fish_option(const std::string& condition, const OptionInfo& option) {
  std::string line = "complete -c xc-inject -n " + shell_quoted(condition);
  for (const std::string& name : option.names)
    line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (option.takes_value)
    line += option.choices.empty() ? " -r" : " -x -a " + shell_quoted(text::join(option.choices, " "));
  return line + " -d " + shell_quoted(option.about) + "\n";
}

std::string fish(const VerbInfo& tree) {
  std::string out = "# fish completion of xc-inject, made by: xc-inject completion fish\n";
  each(tree, "", [&](const std::string& path, const VerbInfo& verb) {
    std::string condition = "__fish_use_subcommand";
    for (const auto word : text::split(path, ' '))
      if (!path.empty())
        condition = (condition == "__fish_use_subcommand" ? "" : condition + "; and ") +
                    "__fish_seen_subcommand_from " + std::string(word);
    for (const VerbInfo& below : verb.verbs)
      out += "complete -c xc-inject -n " + shell_quoted(condition) + " -f -a " + below.name + " -d " +
             shell_quoted(below.about) + "\n";
    for (const OptionInfo& option : verb.options) {
      if (!option.positional) out += fish_option(condition, option);
      if (option.positional && !option.choices.empty())
        out += "complete -c xc-inject -n " + shell_quoted(condition) + " -f -a " +
               shell_quoted(text::join(option.choices, " ")) + "\n";
    }
    if (takes_container(verb))
      out += "complete -c xc-inject -n " + shell_quoted(condition) + " -a '(" + names_of_containers + ")'\n";
  });
  return out;
}

}  // namespace

std::string completion_of(const VerbInfo& tree, const std::string& shell) {
  return shell == "bash" ? bash(tree) : shell == "zsh" ? zsh(tree) : fish(tree);
}

void add_completion(CLI::App& app, int& /*status*/) {
  auto shell = std::make_shared<std::string>();
  auto* verb = app.add_subcommand("completion", "a completion script for a shell, from this very command line");
  verb->add_option("SHELL", *shell, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}));
  verb->footer(
      "Examples:\n"
      "  source <(xc-inject completion bash)\n"
      "  xc-inject completion fish > ~/.config/fish/completions/xc-inject.fish");
  verb->callback([shell, &app] { (void)print(completion_of(tree_of(app), *shell)); });
}

}  // namespace xc::verbs
