// See small_file.h.
#include "sys/small_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/fd.h"
#include "base/text.h"

namespace xc::sys {

Result<std::string> read_file(int directory, const std::string& name, std::size_t limit) {
  const Fd file{::openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW)};
  if (!file) return fail_errno(Kind::kernel, "opening " + text::printable(name), errno);
  struct stat facts{};
  if (::fstat(file.get(), &facts) != 0) return fail_errno(Kind::kernel, "fstat " + text::printable(name), errno);
  if (!S_ISREG(facts.st_mode)) return fail(Kind::kernel, text::printable(name) + ": not a regular file");
  std::string contents;
  std::array<char, 4096> piece{};
  while (true) {
    const ssize_t got = ::read(file.get(), piece.data(), piece.size());
    if (got == 0) return contents;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(Kind::kernel, "reading " + text::printable(name), errno);
    contents.append(piece.data(), static_cast<std::size_t>(got));
    if (contents.size() > limit)
      return fail(Kind::kernel,
                  text::printable(name) + ": longer than " + text::number(std::uint64_t{limit}) + " bytes");
  }
}

Result<> write_file(int directory, const std::string& name, std::string_view text) {
  const Fd file{::openat(directory, name.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW)};
  if (!file) return fail_errno(Kind::kernel, "opening " + text::printable(name), errno);
  ssize_t wrote = -1;
  do wrote = ::write(file.get(), text.data(), text.size());
  while (wrote < 0 && errno == EINTR);
  if (wrote < 0) return fail_errno(Kind::kernel, "writing " + text::printable(name), errno);
  if (static_cast<std::size_t>(wrote) != text.size())
    return fail(Kind::kernel, "writing " + text::printable(name) + ": only a part was taken");
  return {};
}

}  // namespace xc::sys
