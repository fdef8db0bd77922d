// See lent_node.h.
#include "sys/lent_node.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "sys/carried_tree.h"

namespace xc::sys {
namespace {

Result<Fd> open_same(const std::string& path, DeviceNumber number) {
  Fd node{::open(path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  struct stat info{};
  if (!node || ::fstat(node.get(), &info) != 0) return fail_errno(Kind::plant, path, errno);
  if (S_ISCHR(info.st_mode) && info.st_rdev == ::makedev(number.major, number.minor)) return node;
  return fail(Kind::plant, path + ": is another device by now");
}

bool may_open(const Fd& node) {
  return ::access(host_name_of(node.get()).c_str(), R_OK | W_OK) == 0;
}

/// The same without the user's further groups, which the engine takes from the container unless told otherwise.
Result<> check_access(const std::string& path, const Fd& node, bool with_groups) {
  const bool all_in_all = may_open(node);
  if (all_in_all && with_groups) return {};
  // EPERM: where groups cannot be left, the container has them too.
  if (::setgroups(0, nullptr) != 0 && errno != EPERM) return fail_errno(Kind::kernel, "setgroups", errno);
  if (may_open(node)) return {};
  if (all_in_all)
    return fail(Kind::plant,
                path +
                    ": the user may open it as member of a group only, and the container is without the user's "
                    "groups: podman run --group-add keep-groups (with crun) keeps them");
  return fail(Kind::plant,
              path +
                  ": the user may not open it, and only root can make another node of it: let the host give the "
                  "user access (an access list, a udev rule), or run the container as root");
}

}  // namespace

Result<Tree> lend_node(const std::string& name, DeviceNumber number, bool with_groups, Deadline deadline) {
  const std::string path = "/dev/" + name;
  const auto make = [&]() -> Result<Tree> {
    const Fd node = XC_TRY(open_same(path, number));
    XC_CHECK(check_access(path, node, with_groups));
    return clone_tree(node.get(), Use::device);
  };
  return tree_from_child(make, deadline);
}

}  // namespace xc::sys
