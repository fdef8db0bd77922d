// System calls that a container's filter asks about (seccomp_unotify(2)). Runs in the monitor, which takes numbers from
// the kernel here and reads no byte of the caller; the one question of the hook is whether the kernel can do it.
//
// A caller waits in the kernel until it is answered or gone, so what was found out about it is true of it when it still
// waits afterwards (is_waiting()): its number was not given to another, its memory and descriptors are its own.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

#include "base/fd.h"
#include "base/result.h"
#include "sys/process.h"

namespace xc::sys {

/// Kind::plant when the kernel (before 5.6) lacks what a redirected connect(2) needs.
[[nodiscard]] Result<> check_notifications();

/// A call that waits for an answer.
struct Notification {
  std::uint64_t id = 0;
  pid_t thread = 0;           ///< the caller, in our pid namespace; 0 when it lives outside
  bool is_connect = false;    ///< connect(2) of our own architecture; the rest says nothing otherwise
  int socket = -1;            ///< its number in the caller
  std::uint64_t address = 0;  ///< of the socket address in the caller's memory
  std::uint32_t length = 0;   ///< of that
};

/// Whether this is the listening descriptor of a filter, and not something else that somebody sent.
[[nodiscard]] bool is_notifier(int descriptor);

/// The next call at `notifier`, which must be readable; nothing when its caller has left.
[[nodiscard]] Result<std::optional<Notification>> take_notification(int notifier);

[[nodiscard]] bool is_waiting(int notifier, std::uint64_t id);

/// Whether a signal is at the door of the thread, or the thread has ended. A signal takes a caller out of its wait;
/// then it may not hear an answer that the kernel has taken, and calls again (restart: signal(7)).
[[nodiscard]] bool is_called_away(const Proc& proc, pid_t thread);

/// The caller's connect(2) returns 0, or fails with the errno `code`. False when the caller does not wait any more.
[[nodiscard]] bool answer(int notifier, std::uint64_t id, int code);

/// The kernel carries the call out, as it would have.
void let_happen(int notifier, std::uint64_t id);

struct Caller {
  Process process;
  uid_t uid = 0;
};
/// The process of the thread.
[[nodiscard]] Result<Caller> caller_of(const Proc& proc, pid_t thread);

/// The thread's memory, for reading alone.
[[nodiscard]] Result<Fd> memory_of(const Proc& proc, pid_t thread);

/// Descriptor `number` of the thread (pidfd_getfd(2)): the same open file.
[[nodiscard]] Result<Fd> descriptor_of(const Caller& caller, pid_t thread, int number);

}  // namespace xc::sys
