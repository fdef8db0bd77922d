// See rooted_dir.h.
#include "sys/rooted_dir.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "sys/rooted_walk.h"

namespace xc::sys {
namespace {

constexpr int most_retries = 128;  // the kernel gives EAGAIN when any rename or mount ran beside a ".." (openat2(2))

std::expected<Fd, int> open_in_root(int root, const std::string& path, LastLink last) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC | (last == LastLink::keep ? O_NOFOLLOW : 0);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  int code = EAGAIN;
  for (int retry = 0; code == EAGAIN && retry <= most_retries; ++retry) {
    const long number = ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
    if (number >= 0) return Fd{static_cast<int>(number)};
    code = errno;
  }
  if (code == ENOSYS) return walk_in_root(root, path, last);
  return std::unexpected(code);
}

Result<Fd> find(int root, std::string_view path, LastLink last) {
  const std::string shown = text::printable(path);
  if (path.find('\0') != std::string_view::npos) return fail(Kind::plant, shown + ": a path cannot hold a zero byte");
  auto found = open_in_root(root, std::string(path), last);
  if (found) return std::move(*found);
  if (found.error() != EAGAIN) return fail_errno(Kind::plant, shown, found.error());
  return fail(Kind::plant, shown + ": directories were renamed or mounted under it all through " +
                               text::number(most_retries) + " retries");
}

}  // namespace

Result<RootedDir> RootedDir::from(Fd directory) {
  struct stat facts{};
  if (::fstat(directory.get(), &facts) != 0) return fail_errno(Kind::plant, "fstat of a root directory", errno);
  if (!S_ISDIR(facts.st_mode)) return fail_errno(Kind::plant, "a root directory", ENOTDIR);
  return RootedDir(std::move(directory));
}

Result<RootedDir> RootedDir::open(const std::string& path) {
  Fd dir{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!dir) return fail_errno(Kind::plant, "opening " + text::printable(path), errno);
  return RootedDir(std::move(dir));
}

Result<Fd> RootedDir::resolve(std::string_view path) const {
  return find(get(), path, LastLink::follow);
}

Result<Fd> RootedDir::resolve_entry(std::string_view path) const {
  return find(get(), path, LastLink::keep);
}

}  // namespace xc::sys
