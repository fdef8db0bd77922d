// See memory_file.h.
#include "sys/memory_file.h"

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace xc::sys {
namespace {

// Programs without memfd_create(2) take a file in /tmp or in their runtime directory, wherever that lies (wf-recorder
// does).
constexpr std::array<std::uint32_t, 9> at_hand{TMPFS_MAGIC,      RAMFS_MAGIC,           HUGETLBFS_MAGIC,
                                               EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC,       BTRFS_SUPER_MAGIC,
                                               F2FS_SUPER_MAGIC, OVERLAYFS_SUPER_MAGIC, 0x2fc12fc1};  // the last: ZFS

// The C library asks for a descriptor by an empty name (newfstatat), which the worker's filter does not know.
#ifdef SYS_fstat64
constexpr long fstat_call = SYS_fstat64;
#else
constexpr long fstat_call = SYS_fstat;
#endif

}  // namespace

std::optional<std::uint64_t> memory_size(int descriptor) {
  // The file system first: of FUSE the kernel tells a stranger its sort without asking it; fstat(2) might wait.
  struct statfs64 system{};
  if (::fstatfs64(descriptor, &system) != 0) return std::nullopt;
  if (std::ranges::find(at_hand, static_cast<std::uint32_t>(system.f_type)) == at_hand.end()) return std::nullopt;
  struct stat64 file{};
  if (::syscall(fstat_call, descriptor, &file) != 0 || !S_ISREG(file.st_mode) || file.st_size < 0) return std::nullopt;
  return static_cast<std::uint64_t>(file.st_size);
}

}  // namespace xc::sys
