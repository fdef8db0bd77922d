#include "reader/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/fd.h"
#include "base/text.h"
#include "sys/own_users.h"

namespace xc::reader {
namespace {

constexpr uid_t hidden = 65534;  // whom a user namespace does not have (DEFAULT_OVERFLOWUID)

std::string_view sort_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFLNK: return "a symbolic link";
    case S_IFDIR: return "a directory";
    case S_IFIFO: return "a FIFO";
    case S_IFSOCK: return "a socket";
    case S_IFCHR: return "a character device";
    case S_IFBLK: return "a block device";
    default: return "something else";
  }
}

/// Who may write it may say what containers are granted.
Result<> inspect_keeper(const struct stat& status, Keeper keeper) {
  const bool hidden_root = keeper == Keeper::etc && status.st_uid == hidden && sys::among_own_users();
  if (status.st_uid != 0 && status.st_uid != ::geteuid() && !hidden_root)
    return fail(Kind::manifest, "belongs to uid " + text::number(status.st_uid) + "; it must belong to root");
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return fail(Kind::manifest, "may be written by others than its owner; remove that (chmod go-w)");
  return {};
}

Result<> inspect(const struct stat& status, std::size_t limit, Keeper keeper) {
  if (!S_ISREG(status.st_mode))
    return fail(Kind::manifest, "expected a regular file, found " + std::string(sort_of(status.st_mode)));
  if (status.st_size == 0) return fail(Kind::manifest, "is empty");
  if (static_cast<std::uint64_t>(status.st_size) > limit)
    return fail(Kind::manifest, "is larger than the " + text::number(std::uint64_t{limit}) + " bytes allowed");
  return keeper == Keeper::image ? Result<>{} : inspect_keeper(status, keeper);
}

Result<std::string> read_all(int descriptor, std::size_t limit) {
  std::string text(limit + 1, '\0');  // one more, to see a file that grows while it is read
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = ::read(descriptor, text.data() + size, text.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(Kind::kernel, "read", errno);
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > limit) return fail(Kind::manifest, "grew beyond the bytes allowed while it was read");
  if (size == 0) return fail(Kind::manifest, "is empty");
  text.resize(size);
  return text;
}

Result<std::optional<std::string>> read_entry(int directory, const char* name, std::size_t limit, Keeper keeper) {
  struct stat status{};
  // Looked at before it is opened, because opening a device can have effects of its own.
  if (::fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return std::optional<std::string>();
    return fail_errno(Kind::kernel, "stat", errno);
  }
  XC_CHECK(inspect(status, limit, keeper));
  const Fd file(::openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file && errno == ENOENT) return std::optional<std::string>();
  if (!file && errno == ELOOP) return fail(Kind::manifest, "expected a regular file, found a symbolic link");
  if (!file) return fail_errno(Kind::kernel, "open", errno);
  // And again on the descriptor: between the two, another file may have taken its place.
  if (::fstat(file.get(), &status) != 0) return fail_errno(Kind::kernel, "stat", errno);
  XC_CHECK(inspect(status, limit, keeper));
  return std::optional<std::string>(XC_TRY(read_all(file.get(), limit)));
}

}  // namespace

Result<> inspect_directory(int directory, Keeper keeper) {
  struct stat status{};
  if (::fstat(directory, &status) != 0) return fail_errno(Kind::kernel, "stat", errno);
  return inspect_keeper(status, keeper);
}

Result<std::optional<std::string>> read_document(int directory, const std::string& name, std::size_t limit,
                                                 Keeper keeper) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos ||
      name.find('\0') != std::string::npos)
    return fail(Kind::internal, text::printable(name) + ": not the name of a file in a directory");
  auto outcome = read_entry(directory, name.c_str(), limit, keeper);
  if (!outcome) return std::unexpected(in_context(text::printable(name), std::move(outcome).error()));
  return outcome;
}

}  // namespace xc::reader
