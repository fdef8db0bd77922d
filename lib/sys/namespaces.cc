// See namespaces.h.
#include "sys/namespaces.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/vfs.h>

#include <cerrno>
#include <string>

#include "base/text.h"
#include "sys/parent_dir.h"

namespace xc::sys {
namespace {

Result<Fd> open_one(int directory, const std::string& name) {
  Fd found{::openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!found) return fail_errno(Kind::kernel, name, errno);
  struct statfs kind{};
  if (::fstatfs(found.get(), &kind) != 0) return fail_errno(Kind::kernel, name, errno);
  if (kind.f_type != NSFS_MAGIC) return fail(Kind::kernel, name + ": not a namespace");
  return found;
}

Result<Namespaces> open_all(int directory) {
  Namespaces found;
  found.mount = XC_TRY(open_one(directory, "ns/mnt"));
  found.user = XC_TRY(open_one(directory, "ns/user"));
  found.net = XC_TRY(open_one(directory, "ns/net"));
  found.pid = XC_TRY(open_one(directory, "ns/pid"));
  return found;
}

}  // namespace

Result<Namespaces> open_namespaces(const Process& process) {
  const std::string who = "process " + text::number(process.pid);
  Namespaces found = XC_TRY_IN(who, open_all(process.dir.get()));
  if (!XC_TRY_IN(who, is_alive(process))) return fail_errno(Kind::kernel, who, ESRCH);
  return found;
}

Result<Namespaces> own_namespaces(const Proc& proc) {
  const Fd self{::openat(proc.dir(), "self", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!self) return fail_errno(Kind::kernel, "/proc/self", errno);
  return open_all(self.get());
}

Result<bool> same_file(int a, int b) {
  return XC_TRY(id_of(a)) == XC_TRY(id_of(b));
}

Result<> enter_mount_namespace(const Fd& mount) {
  if (::setns(mount.get(), CLONE_NEWNS) != 0)
    return fail_errno(Kind::kernel, "entering the container's mount namespace", errno);
  return {};
}

Result<> enter_net_namespace(const Fd& net) {
  if (::setns(net.get(), CLONE_NEWNET) != 0)
    return fail_errno(Kind::kernel, "entering the container's network namespace", errno);
  return {};
}

}  // namespace xc::sys
