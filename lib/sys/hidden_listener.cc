// See hidden_listener.h.
#include "sys/hidden_listener.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "base/text.h"

namespace xc::sys {
namespace {

constexpr const char* socket_name = "socket";

/// In `directory` (O_PATH, borrowed), which is ours alone.
Result<HiddenListener> listen_in(int directory, SocketKind kind) {
  HiddenListener hidden;
  hidden.listener = XC_TRY(listen_at(directory, socket_name, {.kind = kind, .owner = {::geteuid(), ::getegid()}}));
  hidden.file = Fd{::openat(directory, socket_name, O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  const int code = errno;
  (void)::unlinkat(directory, socket_name, 0);
  if (!hidden.file) return fail_errno(Kind::kernel, "a socket without a name", code);
  return hidden;
}

/// A directory that was just made could have been exchanged where others may write: then it is not ours, or not closed.
bool is_private(int directory) {
  struct stat facts{};
  return ::fstat(directory, &facts) == 0 && facts.st_uid == ::geteuid() && (facts.st_mode & 077U) == 0;
}

Result<HiddenListener> listen_below(const std::string& place, SocketKind kind) {
  const Fd parent{::open(place.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!parent) return fail_errno(Kind::kernel, place, errno);
  std::uint64_t dice = 0;
  if (::getrandom(&dice, sizeof dice, 0) != sizeof dice) return fail_errno(Kind::kernel, "getrandom", errno);
  const std::string name = ".xc-" + text::number(dice);
  if (::mkdirat(parent.get(), name.c_str(), 0700) != 0) return fail_errno(Kind::kernel, place + "/" + name, errno);
  const Fd inner{::openat(parent.get(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  auto hidden = inner && is_private(inner.get()) ? listen_in(inner.get(), kind)
                                                 : fail(Kind::kernel, place + "/" + name + ": somebody exchanged it");
  (void)::unlinkat(parent.get(), name.c_str(), AT_REMOVEDIR);
  return hidden;
}

}  // namespace

Result<HiddenListener> listen_hidden(const std::vector<std::string>& directories, SocketKind kind) {
  Result<HiddenListener> made = fail(Kind::internal, "nowhere to make a socket");
  for (const std::string& place : directories) {
    made = listen_below(place, kind);
    if (made) break;
  }
  return made;
}

}  // namespace xc::sys
