// See peer.h.
#include "sys/peer.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "base/text.h"
#include "sys/cgroup_paths.h"
#include "sys/namespaces.h"
#include "sys/proc_status.h"
#include "sys/small_file.h"

namespace xc::sys {
namespace {

constexpr std::size_t groups_limit = 65536;
constexpr int deepest_nesting = 32;  // MAX_PID_NS_LEVEL of the kernel

/// True when `process` is number 1 in its innermost pid namespace.
Result<bool> is_first(const Process& process) {
  const std::string status = XC_TRY(read_status(process.dir.get()));
  const auto pids = status_value(status, "NSpid");
  if (!pids) return fail(Kind::kernel, "the kernel does not tell pids inside namespaces (NSpid)");
  return text::split(*pids, '\t').back() == "1";
}

Result<bool> is_same_or_below(Fd namespace_fd, int ancestor) {
  for (int level = 0; level <= deepest_nesting; ++level) {
    if (XC_TRY(same_file(namespace_fd.get(), ancestor))) return true;
    Fd above{::ioctl(namespace_fd.get(), NS_GET_PARENT)};
    if (!above && errno == EPERM) return false;  // the parent is outside what we may see: the top is reached
    if (!above) return fail_errno(Kind::kernel, "NS_GET_PARENT", errno);
    namespace_fd = std::move(above);
  }
  return false;
}

Result<std::vector<CgroupPath>> cgroups_of(int directory) {
  const std::string text = XC_TRY(read_file(directory, "cgroup", groups_limit));
  return parse_cgroups(text);
}

/// True when, in the hierarchy of `group`, one of `paths` is that group or lies below it.
bool sits_in(const std::vector<CgroupPath>& paths, const CgroupPath& group) {
  return std::any_of(paths.begin(), paths.end(), [&](const CgroupPath& path) {
    return path.controllers == group.controllers && lies_in(path.path, group.path);
  });
}

Result<bool> shares_cgroups(const Proc& proc, const Process& peer, const Process& init) {
  const Fd self{::openat(proc.dir(), "self", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!self) return fail_errno(Kind::kernel, "/proc/self", errno);
  const auto ours = XC_TRY(cgroups_of(self.get()));
  const auto theirs = XC_TRY(cgroups_of(peer.dir.get()));
  bool any = false;
  for (const CgroupPath& group : XC_TRY(cgroups_of(init.dir.get()))) {
    // The engine made no group there (the root group is everybody's, one with us in it the host's): it tells nothing.
    if (group.path == "/" || sits_in(ours, group)) continue;
    if (!sits_in(theirs, group)) return false;
    any = true;
  }
  return any;
}

Result<bool> compare(const Proc& proc, const Process& peer, const Process& init) {
  const Namespaces own = XC_TRY(own_namespaces(proc));
  const Namespaces of_init = XC_TRY(open_namespaces(init));
  Namespaces of_peer = XC_TRY(open_namespaces(peer));
  const bool shared = XC_TRY(same_file(own.pid.get(), of_init.pid.get()));
  if (!shared && XC_TRY(is_first(init))) return is_same_or_below(std::move(of_peer.pid), of_init.pid.get());
  return shares_cgroups(proc, peer, init);
}

}  // namespace

Result<bool> belongs_to(const Proc& proc, const Process& peer, const Process& init) {
  const bool belongs = XC_TRY(compare(proc, peer, init));
  return belongs && XC_TRY(is_alive(peer)) && XC_TRY(is_alive(init));
}

}  // namespace xc::sys
