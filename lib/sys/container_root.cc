// See container_root.h.
#include "sys/container_root.h"

#include <fcntl.h>

#include <cerrno>

#include "base/text.h"
#include "sys/link_text.h"
#include "sys/mountinfo.h"
#include "sys/namespaces.h"

namespace xc::sys {
namespace {

/// True when `directory` is the root of its mount, among the mounts that `process` sees.
Result<bool> is_mount_root(const Proc& proc, const Process& process, int directory, const std::string& name) {
  const auto mounts = XC_TRY(read_mounts(proc, text::number(process.pid)));
  if (!XC_TRY(is_alive(process))) return fail_errno(Kind::kernel, "the container's init", ESRCH);
  const auto mount = XC_TRY(find_mount(proc, mounts, directory));
  return mount && mount->point == name;
}

Result<RootedDir> before_pivot(const Proc& proc, const Process& process, Fd host_root, const std::string& host_path) {
  const std::string shown = text::printable(host_path);
  if (!host_path.starts_with('/'))
    return fail(Kind::plant,
                "the container's root is not pivoted yet, and the engine gave no absolute path of it: '" + shown + "'");
  const RootedDir whole = XC_TRY(RootedDir::from(std::move(host_root)));
  Fd found = XC_TRY_IN("the container's root", whole.resolve(host_path));
  // The kernel's own name for it, so that a symlink in the engine's path does not matter.
  const std::string name = XC_TRY(name_of_descriptor(proc, found.get()));
  if (name == "/" || !XC_TRY_IN(shown, is_mount_root(proc, process, found.get(), name)))
    return fail(Kind::plant, shown +
                                 ": not a mount point in the container's mount namespace, so not its root; the "
                                 "state document and the container do not belong together");
  return RootedDir::from(std::move(found));
}

}  // namespace

Result<RootedDir> open_container_root(const Proc& proc, const Process& process, const std::string& host_path) {
  const Namespaces own = XC_TRY(own_namespaces(proc));
  const Namespaces its = XC_TRY(open_namespaces(process));
  if (XC_TRY(same_file(own.mount.get(), its.mount.get())))
    return fail(Kind::plant, "process " + text::number(process.pid) +
                                 " shares the host's mount namespace; there is no container to plant into");
  Fd root{::openat(process.dir.get(), "root", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!root) return fail_errno(Kind::kernel, "opening the root of process " + text::number(process.pid), errno);
  const Fd host{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!host) return fail_errno(Kind::kernel, "opening /", errno);
  if (XC_TRY(same_file(root.get(), host.get()))) return before_pivot(proc, process, std::move(root), host_path);
  if (!XC_TRY(is_mount_root(proc, process, root.get(), "/")))
    return fail(Kind::plant, "the root of process " + text::number(process.pid) +
                                 " is not the root of a mount (a chroot?); its paths cannot be trusted");
  return RootedDir::from(std::move(root));
}

}  // namespace xc::sys
