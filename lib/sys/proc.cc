// See proc.h.
#include "sys/proc.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"

namespace xc::sys {
namespace {
constexpr ino_t proc_root_inode = 1;  // PROC_ROOT_INO: a bind mount of a part of procfs has another
}

Result<Proc> Proc::open() {
  Fd dir{::open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)};
  if (!dir) return fail_errno(Kind::kernel, "opening /proc", errno);
  struct statfs kind{};
  struct stat facts{};
  if (::fstatfs(dir.get(), &kind) != 0) return fail_errno(Kind::kernel, "fstatfs /proc", errno);
  if (::fstat(dir.get(), &facts) != 0) return fail_errno(Kind::kernel, "fstat /proc", errno);
  if (kind.f_type != PROC_SUPER_MAGIC || facts.st_ino != proc_root_inode)
    return fail(Kind::kernel, "/proc is not the root of a procfs; mount one there");
  return Proc(std::move(dir));
}

Result<std::string> Proc::name_here(int fd) const {
  if (::fchdir(dir_.get()) != 0) return fail_errno(Kind::kernel, "fchdir /proc", errno);
  return "self/fd/" + text::number(fd);
}

std::string host_name_of(int fd) {
  return "/proc/self/fd/" + text::number(fd);
}

}  // namespace xc::sys
