// See mounts.h.
#include "sys/mounts.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cerrno>

#include "base/text.h"
#include "sys/link_text.h"

namespace xc::sys {
namespace {

std::uint64_t attributes_of(Use use) {
  const std::uint64_t always = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC;
  return use == Use::device ? always : always | MOUNT_ATTR_NODEV;
}

unsigned long mount_flags_of(Use use) {
  const unsigned long always = MS_RDONLY | MS_NOSUID | MS_NOEXEC;
  return use == Use::device ? always : always | MS_NODEV;
}

/// False when the kernel has no mount_setattr(2).
Result<bool> restrict_detached(int tree, Use use) {
  mount_attr wanted{};
  wanted.attr_set = attributes_of(use);
  wanted.propagation = MS_PRIVATE;
  if (::mount_setattr(tree, "", AT_EMPTY_PATH, &wanted, sizeof wanted) == 0) return true;
  if (errno == ENOSYS) return false;
  return fail_errno(Kind::kernel, "mount_setattr", errno);
}

/// What is left when the mount is attached: the older way to the same flags, and the propagation.
Result<> restrict_attached(const Proc& proc, const Tree& tree, int mount) {
  const std::string name = XC_TRY(proc.name_here(mount));
  const unsigned long flags = MS_REMOUNT | MS_BIND | mount_flags_of(tree.use);
  if (!tree.restricted && ::mount(nullptr, name.c_str(), nullptr, flags, nullptr) != 0)
    return fail_errno(Kind::kernel, "setting the flags of the mount", errno);
  // Also when it was private before: attaching to a shared mount makes the attached one shared.
  if (::mount(nullptr, name.c_str(), nullptr, MS_PRIVATE, nullptr) != 0)
    return fail_errno(Kind::kernel, "making the mount private", errno);
  return {};
}

/// mount(2) binds only from the caller's own mount namespace, so the source is looked up again by its host path. Before
/// the root is pivoted the container's namespace still shows the host's tree, and the inode must be the very same.
Result<Fd> source_here(const Tree& tree) {
  Fd again{::open(tree.path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  const auto id = again ? id_of(again.get()) : fail_errno(Kind::kernel, "open", errno);
  if (id && *id == tree.id) return again;
  return fail(Kind::kernel, "this kernel has no open_tree(2), and without it " + text::printable(tree.path) +
                                " cannot be brought into a container whose root is already pivoted; Linux 5.2 can");
}

Result<> bind_source(const Proc& proc, const Tree& tree, int target) {
  const Fd source = XC_TRY(source_here(tree));
  const std::string from = XC_TRY(proc.name_here(source.get()));
  const std::string to = XC_TRY(proc.name_here(target));
  if (::mount(from.c_str(), to.c_str(), nullptr, MS_BIND, nullptr) != 0)
    return fail_errno(Kind::plant, "mount (bind)", errno);
  return {};
}

Result<> move_detached(const Tree& tree, int target) {
  if (::move_mount(tree.fd.get(), "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
    return fail_errno(Kind::plant, "move_mount", errno);
  return {};
}

Result<> prove_flags(int mount, Use use) {
  struct statfs facts{};
  if (::fstatfs(mount, &facts) != 0) return fail_errno(Kind::kernel, "fstatfs of the mount", errno);
  // statfs(2) gives the mount's flags under the numbers that mount(2) takes.
  const auto wanted = static_cast<decltype(facts.f_flags)>(mount_flags_of(use));
  if ((facts.f_flags & wanted) != wanted) return fail(Kind::kernel, "the mount did not take its flags");
  return {};
}

}  // namespace

Result<Tree> clone_tree(int source, Use use) {
  Tree tree;
  tree.use = use;
  tree.id = XC_TRY(id_of(source));
  tree.fd = Fd{::open_tree(source, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH)};
  if (tree.fd) {
    tree.detached = true;
    tree.restricted = XC_TRY(restrict_detached(tree.fd.get(), use));
    return tree;
  }
  if (errno != ENOSYS) return fail_errno(Kind::kernel, "open_tree", errno);
  tree.path = XC_TRY(name_of_descriptor(source));
  tree.fd = Fd{::fcntl(source, F_DUPFD_CLOEXEC, 0)};
  if (!tree.fd) return fail_errno(Kind::kernel, "duplicating a descriptor", errno);
  return tree;
}

Result<> attach_tree(const Proc& proc, const Tree& tree, int target, int parent, const std::string& name) {
  XC_CHECK(tree.detached ? move_detached(tree, target) : bind_source(proc, tree, target));
  const Fd shown{::openat(parent, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  const auto id = shown ? id_of(shown.get()) : fail_errno(Kind::kernel, "opening the planted entry", errno);
  const int mount = tree.detached ? tree.fd.get() : shown.get();
  Result<> done = id ? Result<>{} : std::unexpected(id.error());
  if (id && *id != tree.id) done = fail(Kind::plant, "the entry was exchanged while it was planted");
  if (done) done = restrict_attached(proc, tree, mount);
  if (done) done = prove_flags(mount, tree.use);
  if (!done && (tree.detached || (id && *id == tree.id))) (void)detach(proc, mount);
  return done;
}

Result<> detach(const Proc& proc, int root_of_mount) {
  const std::string name = XC_TRY(proc.name_here(root_of_mount));
  if (::umount2(name.c_str(), MNT_DETACH) != 0) return fail_errno(Kind::plant, "umount", errno);
  return {};
}

}  // namespace xc::sys
