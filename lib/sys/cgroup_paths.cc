// See cgroup_paths.h.
#include "sys/cgroup_paths.h"

#include "base/text.h"

namespace xc::sys {

Result<std::vector<CgroupPath>> parse_cgroups(std::string_view text) {
  std::vector<CgroupPath> found;
  for (const auto line : text::split(text, '\n')) {
    if (line.empty()) continue;
    // "4:memory:/a:b": the path may hold colons, the first two fields cannot.
    const auto first = line.find(':');
    const auto second = first == line.npos ? line.npos : line.find(':', first + 1);
    if (second == line.npos || !line.substr(second + 1).starts_with('/'))
      return fail(Kind::kernel, "cgroup: not as cgroups(7) says: " + text::printable(line));
    found.push_back({std::string(line.substr(first + 1, second - first - 1)), std::string(line.substr(second + 1))});
  }
  return found;
}

bool lies_in(std::string_view path, std::string_view ancestor) {
  if (ancestor == "/") return true;
  return path.starts_with(ancestor) && (path.size() == ancestor.size() || path[ancestor.size()] == '/');
}

}  // namespace xc::sys
