// Another process, held so that its number cannot come to mean somebody else (R05, R34). Runs in hooks and the monitor.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "sys/child.h"
#include "sys/proc.h"

namespace xc::sys {

struct Process {
  pid_t pid = 0;  ///< in our pid namespace
  Fd pidfd;       ///< readable when it has ended; none before Linux 5.3
  Fd dir;         ///< its directory in procfs, O_PATH: reads give ESRCH once it is gone, whoever has the number
  std::uint64_t start_time = 0;  ///< clock ticks since boot; with the pid unique until the next boot
};

/// A pidfd of `pid` (pidfd_open(2)); none, with errno set, when it fails or the kernel has no such call (ENOSYS).
[[nodiscard]] Fd open_pidfd(pid_t pid);

/// A number that no other process has or had since the machine started (the inode of its pidfd, Linux 6.9); nothing
/// where the kernel gives none.
[[nodiscard]] std::optional<std::uint64_t> identity_of(const Fd& pidfd);

/// Descriptor `number` of the process (pidfd_getfd(2)): the same open file; none, with errno set, when it cannot be
/// had.
[[nodiscard]] Fd copy_descriptor(const Fd& pidfd, int number);

/// What we use of /proc/PID/stat (proc_pid_stat(5)).
struct ProcessStat {
  char state = '?';
  std::uint64_t start_time = 0;
};
/// `text` is hostile: the program's name in it may hold blanks, parentheses and newlines.
[[nodiscard]] Result<ProcessStat> parse_stat(std::string_view text);

/// The living process `pid`. Pidfd first, then its directory and start time, then the pidfd is asked again: so all
/// of them are of one process. An error when there is none, or only a zombie.
[[nodiscard]] Result<Process> open_process(const Proc& proc, pid_t pid);

/// The living process that `pidfd` stands for, such as a socket's peer; takes the descriptor over. The error has ESRCH
/// when it has ended, and nothing else has.
[[nodiscard]] Result<Process> open_process_of(const Proc& proc, Fd pidfd);

/// The process that had this pid and start time when they were written down; nothing when it has ended, also when
/// its number was given to another.
[[nodiscard]] Result<std::optional<Process>> find_process(const Proc& proc, pid_t pid, std::uint64_t start_time);

/// False once the process has ended (a zombie has).
[[nodiscard]] Result<bool> is_alive(const Process& process);

/// Waits until the process has ended, at most until `deadline`; without a pidfd it only looks.
void wait_for_end(const Process& process, Deadline deadline);

/// Sends `signal`; nothing happens when the process has ended. Without a pidfd a moment between look and kill remains.
[[nodiscard]] Result<> signal_process(const Process& process, int signal);

}  // namespace xc::sys
