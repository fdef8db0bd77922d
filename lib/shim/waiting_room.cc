// See waiting_room.h.
#include "shim/waiting_room.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>

#include "sys/descriptors.h"
#include "sys/privileges.h"
#include "sys/process.h"
#include "sys/reap.h"
#include "sys/unix_socket.h"

namespace xc::shim {
namespace {

constexpr int place = 63;  // of the listener in that process, which has no other descriptor near it

Result<Fd> listen_anew(const registry::StateDir& state, const std::string& name) {
  return sys::listen_at(state.redirectors(), name, {.mode = 0600});
}

/// Who listens there, or why nobody can be reached.
Result<Fd> visit(const registry::StateDir& state, const std::string& name) {
  const Fd file{::openat(state.redirectors(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (!file) return fail_errno(Kind::kernel, name, errno);
  return sys::connect_path(file, sys::SocketKind::stream);
}

/// Only root comes into that directory, so whoever listens there is one of us; a shim has no such listener there.
std::optional<Fd> take_over(const Fd& visitor, const std::string& name) {
  const auto host = sys::peer_credentials(visitor.get());
  if (!host) return std::nullopt;
  const Fd pidfd = sys::open_pidfd(host->pid);
  Fd listener = sys::copy_descriptor(pidfd, place);
  int listens = 0;
  socklen_t size = sizeof listens;
  if (!listener || ::getsockopt(listener.get(), SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 || listens == 0)
    return std::nullopt;
  if (sys::bound_name(listener.get()).value_or("") != name) return std::nullopt;
  (void)::syscall(SYS_pidfd_send_signal, pidfd.get(), SIGKILL, nullptr, 0);
  return listener;
}

/// In the process of its own, which nobody waits for.
[[noreturn]] void wait_there(const registry::StateDir& state, const std::string& name, std::chrono::seconds patience,
                             int ready) {
  (void)::prctl(PR_SET_NAME, "xc-waiting", 0, 0, 0);
  const auto listener = listen_anew(state, name);
  const int told = listener ? 0 : listener.error().code;
  const bool moved = listener && ::dup3(listener->get(), place, O_CLOEXEC) == place;
  const bool said = ::write(ready, &told, sizeof told) == sizeof told;
  const Fd directory{::fcntl(state.redirectors(), F_DUPFD_CLOEXEC, place + 1)};
  if (!moved || !said || !sys::detach_from_caller()) ::_exit(exit_code(Kind::kernel));
  for (int number = STDERR_FILENO + 1; number < place; ++number) (void)::close(number);
  (void)sys::close_from(static_cast<unsigned>(directory.get()) + 1);
  (void)::poll(nullptr, 0, static_cast<int>(std::chrono::milliseconds(patience).count()));
  (void)::unlinkat(directory.get(), name.c_str(), 0);
  ::_exit(0);
}

}  // namespace

Result<> open_waiting_room(const registry::StateDir& state, const std::string& name, std::chrono::seconds patience) {
  const auto there = visit(state, name);
  if (there) return fail_errno(Kind::kernel, name, EADDRINUSE);
  if (there.error().code == ECONNREFUSED) (void)::unlinkat(state.redirectors(), name.c_str(), 0);
  int line[2];
  if (::pipe2(line, O_CLOEXEC) != 0) return fail_errno(Kind::kernel, "pipe2", errno);
  const Fd hears{line[0]};
  Fd speaks{line[1]};
  const pid_t child = ::fork();
  if (child < 0) return fail_errno(Kind::kernel, "fork", errno);
  if (child == 0) {
    if (::fork() != 0) ::_exit(0);
    wait_there(state, name, patience, speaks.get());
  }
  (void)sys::reap(child);
  speaks.reset();
  int told = EIO;
  if (::read(hears.get(), &told, sizeof told) != sizeof told || told != 0)
    return fail_errno(Kind::kernel, "a place for the engine to wait in", told);
  return {};
}

void close_waiting_room(const registry::StateDir& state, const std::string& name) {
  const auto visitor = visit(state, name);
  if (visitor && take_over(*visitor, name)) (void)::unlinkat(state.redirectors(), name.c_str(), 0);
}

Result<Fd> listen_for_engine(const registry::StateDir& state, const std::string& name) {
  auto listener = listen_anew(state, name);
  if (listener || listener.error().code != EADDRINUSE) return listener;
  const auto visitor = visit(state, name);
  if (visitor) {
    if (auto taken = take_over(*visitor, name)) return std::move(*taken);
    return listener;
  }
  if (visitor.error().code != ECONNREFUSED) return listener;
  (void)::unlinkat(state.redirectors(), name.c_str(), 0);
  return listen_anew(state, name);
}

}  // namespace xc::shim
