// One setting of podman's containers.conf(5): where hooks are looked for. The file is TOML (toml.io, 1.0); as much of
// it is understood as it takes to pass over everything else. Runs in xc-inject doctor, on files of the host's root.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace xc::parse {

struct HooksDir {
  unsigned line = 0;
  std::vector<std::string> directories;
  bool append = false;  ///< {append=true}: behind those of the files before
};

/// "hooks_dir" of table "engine"; nothing when the text does not set it. The error has the line.
[[nodiscard]] Result<std::optional<HooksDir>> hooks_dir_of(std::string_view text);

}  // namespace xc::parse
