// See staged_node.h.
#include "sys/staged_node.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include "sys/carried_tree.h"

namespace xc::sys {

namespace {

constexpr const char* name = "node";

Result<> set_option(const Fd& context, const char* key, const char* value) {
  if (::fsconfig(context.get(), FSCONFIG_SET_STRING, key, value, 0) == 0) return {};
  return fail_errno(Kind::kernel, "fsconfig of a tmpfs", errno);
}

/// A tmpfs that is mounted over "/" of a mount namespace that ends with this child: only what is mounted can be copied
/// by open_tree(2). Nobody else ever sees it.
Result<Fd> mount_own_tmpfs() {
  if (::unshare(CLONE_NEWNS) != 0) return fail_errno(Kind::kernel, "unshare of mounts", errno);
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return fail_errno(Kind::kernel, "making mounts private", errno);
  const Fd context{::fsopen("tmpfs", FSOPEN_CLOEXEC)};
  if (!context && errno == ENOSYS)
    return fail(Kind::kernel, "this kernel has no fsopen(2), which device nodes need; Linux 5.2 has", ENOSYS);
  if (!context) return fail_errno(Kind::kernel, "fsopen", errno);
  XC_CHECK(set_option(context, "mode", "0711"));
  XC_CHECK(set_option(context, "size", "4096"));
  if (::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return fail_errno(Kind::kernel, "making a tmpfs", errno);
  Fd root{::fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC)};
  if (!root) return fail_errno(Kind::kernel, "fsmount", errno);
  if (::move_mount(root.get(), "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) != 0)
    return fail_errno(Kind::kernel, "mounting a tmpfs", errno);
  return root;
}

Result<Fd> make_node(const Fd& directory, DeviceNumber number, mode_t mode, Owner owner) {
  if (::mknodat(directory.get(), name, S_IFCHR, ::makedev(number.major, number.minor)) != 0)
    return fail_errno(Kind::kernel, "mknod", errno);
  if (::fchownat(directory.get(), name, owner.uid, owner.gid, AT_SYMLINK_NOFOLLOW) != 0)
    return fail_errno(Kind::kernel, "chown of a device node", errno);
  if (::fchmodat(directory.get(), name, mode, 0) != 0) return fail_errno(Kind::kernel, "chmod of a device node", errno);
  Fd node{::openat(directory.get(), name, O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (!node) return fail_errno(Kind::kernel, "opening a device node", errno);
  return node;
}

}  // namespace

Result<Tree> stage_node(DeviceNumber number, mode_t mode, Owner owner, Deadline deadline) {
  const auto make = [&]() -> Result<Tree> {
    const Fd directory = XC_TRY(mount_own_tmpfs());
    const Fd node = XC_TRY(make_node(directory, number, mode, owner));
    return clone_tree(node.get(), Use::device);
  };
  return XC_TRY_IN("making a device node", tree_from_child(make, deadline));
}

}  // namespace xc::sys
