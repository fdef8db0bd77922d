// See ground.h.
#include "sys/ground.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "base/text.h"
#include "sys/mountinfo.h"
#include "sys/propagation.h"

namespace xc::sys {
namespace {

struct Unfit {
  std::uint32_t magic;
  std::string_view name;
};

// By the super block's number, which a descriptor cannot lie about. Those without a constant in linux/magic.h are from
// the source of the file system that bears the name.
constexpr std::array unfit{
    Unfit{PROC_SUPER_MAGIC, "proc"},
    Unfit{SYSFS_MAGIC, "sysfs"},
    Unfit{CGROUP_SUPER_MAGIC, "cgroup"},
    Unfit{CGROUP2_SUPER_MAGIC, "cgroup2"},
    Unfit{SECURITYFS_MAGIC, "securityfs"},
    Unfit{SELINUX_MAGIC, "selinuxfs"},
    Unfit{SMACK_MAGIC, "smackfs"},
    Unfit{DEBUGFS_MAGIC, "debugfs"},
    Unfit{TRACEFS_MAGIC, "tracefs"},
    Unfit{BPF_FS_MAGIC, "bpf"},
    Unfit{DEVPTS_SUPER_MAGIC, "devpts"},
    Unfit{0x19800202, "mqueue"},
    Unfit{AUTOFS_SUPER_MAGIC, "autofs"},
    Unfit{FUSE_SUPER_MAGIC, "fuse"},
    Unfit{0x65735543, "fusectl"},
    Unfit{0x62656570, "configfs"},
    Unfit{PSTOREFS_MAGIC, "pstore"},
    Unfit{EFIVARFS_MAGIC, "efivarfs"},
    Unfit{BINFMTFS_MAGIC, "binfmt_misc"},
    Unfit{BINDERFS_SUPER_MAGIC, "binder"},
    Unfit{HUGETLBFS_MAGIC, "hugetlbfs"},
    Unfit{RDTGROUP_SUPER_MAGIC, "resctrl"},
    Unfit{NSFS_MAGIC, "nsfs"},
    Unfit{0x67596969, "rpc_pipefs"},
    Unfit{0x6e667364, "nfsd"},
};

Result<> refuse(std::string_view type) {
  return fail(Kind::plant,
              "it lies on a file system of type " + text::printable(type) +
                  ", which is no place for it; choose a target among the container's own files, such as one "
                  "below /run");
}

Result<> check_type(int file) {
  struct statfs kind{};
  if (::fstatfs(file, &kind) != 0) return fail_errno(Kind::plant, "fstatfs", errno);
  const auto magic = static_cast<std::uint32_t>(kind.f_type);
  const auto found = std::find_if(unfit.begin(), unfit.end(), [magic](const Unfit& u) { return u.magic == magic; });
  return found == unfit.end() ? Result<>{} : refuse(found->name);
}

}  // namespace

Result<> check_ground(const Proc& proc, int directory) {
  struct stat facts{};
  if (::fstat(directory, &facts) != 0) return fail_errno(Kind::plant, "fstat", errno);
  if (!S_ISDIR(facts.st_mode)) return fail_errno(Kind::plant, "the place to plant in", ENOTDIR);
  return check_ground_of_file(proc, directory);
}

Result<> check_ground_of_file(const Proc& proc, int file) {
  XC_CHECK(check_type(file));
  const auto mounts = XC_TRY_IN("looking for its mount", read_mounts(proc, "self"));
  const auto mount = XC_TRY_IN("looking for its mount", find_mount(proc, mounts, file));
  if (!mount) return fail(Kind::plant, "it lies on a mount that does not belong to the container");
  // devtmpfs bears tmpfs's number, but is one for the whole machine: a file made in it is a file on the host.
  if (mount->type == "devtmpfs") return refuse(mount->type);
  if (mount->peer_group == 0) return {};
  if (const auto outsider = XC_TRY_IN("looking who shares its mount", find_outsider(proc, mounts, mount->peer_group)))
    return fail(Kind::plant,
                "the mount " + text::printable(mount->point) + " is shared with other mount namespaces (process " +
                    text::number(*outsider) +
                    " sees it), so would what is planted there be; choose a target on another mount, or mount "
                    "that volume private or slave");
  return {};
}

}  // namespace xc::sys
