// /proc/PID/cgroup as structs (cgroups(7)). The parser is pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace xc::sys {

struct CgroupPath {
  std::string controllers;  ///< "memory", "cpu,cpuacct", "name=systemd"; empty for the v2 hierarchy
  std::string path;         ///< below the root of the hierarchy as the reader sees it
};

[[nodiscard]] Result<std::vector<CgroupPath>> parse_cgroups(std::string_view text);

/// True when `path` is `ancestor` or lies below it, by whole components: "/a/bc" is not below "/a/b".
[[nodiscard]] bool lies_in(std::string_view path, std::string_view ancestor);

}  // namespace xc::sys
