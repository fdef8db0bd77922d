// See propagation.h.
#include "sys/propagation.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>
#include <utility>

#include "base/fd.h"
#include "base/text.h"
#include "sys/numbered.h"

namespace xc::sys {
namespace {

using NamespaceId = std::pair<dev_t, ino_t>;

/// Which mount namespace `process` is in; nothing when the kernel does not tell us.
std::optional<NamespaceId> namespace_of(const Proc& proc, const std::string& process) {
  struct stat facts{};
  if (::fstatat(proc.dir(), (process + "/ns/mnt").c_str(), &facts, 0) != 0) return std::nullopt;
  return NamespaceId{facts.st_dev, facts.st_ino};
}

/// The mounts of a process; none when it has just ended (or is a zombie, which has no namespaces: EINVAL).
Result<std::vector<Mount>> mounts_unless_gone(const Proc& proc, const std::string& process) {
  auto mounts = read_mounts(proc, process);
  if (mounts) return mounts;
  const int code = mounts.error().code;
  if (code == ENOENT || code == ESRCH || code == EINVAL) return std::vector<Mount>{};
  return mounts;
}

}  // namespace

Result<std::optional<pid_t>> find_outsider(const Proc& proc, const std::vector<Mount>& own, std::uint64_t group) {
  std::set<std::uint64_t> own_ids;  // mount ids are unique on the whole machine
  for (const Mount& mount : own) own_ids.insert(mount.id);
  std::set<NamespaceId> seen;
  if (const auto ours = namespace_of(proc, "self")) seen.insert(*ours);
  for (const std::uint64_t pid : XC_TRY(list_processes(proc))) {
    const std::string process = text::number(pid);
    const auto space = namespace_of(proc, process);
    if (space && !seen.insert(*space).second) continue;
    const auto mounts = XC_TRY(mounts_unless_gone(proc, process));
    const bool outside = std::any_of(mounts.begin(), mounts.end(), [&](const Mount& mount) {
      return (mount.peer_group == group || mount.master == group) && !own_ids.contains(mount.id);
    });
    if (outside) return static_cast<pid_t>(pid);
  }
  return std::nullopt;
}

}  // namespace xc::sys
