// See process.h.
#include "sys/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <limits>

#include "base/text.h"
#include "sys/proc_status.h"
#include "sys/small_file.h"

namespace xc::sys {
namespace {

constexpr std::size_t stat_limit = 8192;
constexpr long pidfs_magic = 0x50494446;  // PID_FS_MAGIC
constexpr std::size_t first_field = 3;    // the one behind the name's last ')'
constexpr std::size_t start_time_field = 22;

std::string called(pid_t pid) {
  return "process " + text::number(pid);
}

std::unexpected<Error> gone(pid_t pid) {
  return fail_errno(Kind::kernel, called(pid), ESRCH);
}

bool has_ended(const ProcessStat& stat) {
  return stat.state == 'Z' || stat.state == 'X' || stat.state == 'x';
}

Result<bool> is_readable(int pidfd) {
  pollfd waiting{.fd = pidfd, .events = POLLIN, .revents = 0};
  int ready = -1;
  do ready = ::poll(&waiting, 1, 0);
  while (ready < 0 && errno == EINTR);
  if (ready < 0) return fail_errno(Kind::kernel, "poll of a pidfd", errno);
  return ready > 0;
}

Result<ProcessStat> read_stat(const Process& process) {
  const std::string text = XC_TRY(read_file(process.dir.get(), "stat", stat_limit));
  return parse_stat(text);
}

/// Fills in directory and start time of `process`, whose pid and pidfd are set.
Result<Process> look_closer(const Proc& proc, Process process) {
  const std::string name = text::number(process.pid);
  process.dir = Fd{::openat(proc.dir(), name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!process.dir) return errno == ENOENT ? gone(process.pid) : fail_errno(Kind::kernel, called(process.pid), errno);
  const auto stat = read_stat(process);
  if (!stat && !is_alive(process).value_or(true)) return gone(process.pid);  // ENOENT, or ESRCH
  process.start_time = XC_TRY_IN(called(process.pid), stat).start_time;
  // Alive now, so it was alive all the time since the pidfd was taken, and the directory is its own.
  if (!XC_TRY(is_alive(process))) return gone(process.pid);
  return process;
}

}  // namespace

// By number: <sys/pidfd.h> of glibc 2.36 declares these for C only.
Fd open_pidfd(pid_t pid) {
  return Fd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
}

std::optional<std::uint64_t> identity_of(const Fd& pidfd) {
  struct statfs kind{};
  struct stat facts{};
  const bool unique = sizeof facts.st_ino == sizeof(std::uint64_t) && sizeof(long) == sizeof(std::uint64_t);
  if (!unique || ::fstatfs(pidfd.get(), &kind) != 0 || kind.f_type != pidfs_magic) return std::nullopt;
  return ::fstat(pidfd.get(), &facts) == 0 ? std::optional<std::uint64_t>(facts.st_ino) : std::nullopt;
}

Fd copy_descriptor(const Fd& pidfd, int number) {
  return Fd{static_cast<int>(::syscall(SYS_pidfd_getfd, pidfd.get(), number, 0U))};
}

Result<ProcessStat> parse_stat(std::string_view text) {
  const auto name_end = text.rfind(')');
  const auto fields = text::split(name_end == text.npos ? "" : text.substr(name_end + 1), ' ');  // fields[0] is empty
  constexpr std::size_t wanted = start_time_field - first_field + 1;
  if (fields.size() <= wanted || fields[1].size() != 1) return fail(Kind::kernel, "stat: not as proc(5) says");
  const auto start = text::parse_number(fields[wanted]);
  if (!start) return fail(Kind::kernel, "stat: the start time is not a number");
  return ProcessStat{fields[1][0], *start};
}

Result<Process> open_process(const Proc& proc, pid_t pid) {
  if (pid <= 0) return fail(Kind::kernel, called(pid) + ": not a process number");
  Process process;
  process.pid = pid;
  process.pidfd = open_pidfd(pid);
  if (!process.pidfd && errno != ENOSYS) return fail_errno(Kind::kernel, called(pid), errno);
  return look_closer(proc, std::move(process));
}

Result<Process> open_process_of(const Proc& proc, Fd pidfd) {
  const std::string text = XC_TRY(read_status(proc.dir(), "self/fdinfo/" + text::number(pidfd.get())));
  if (!status_value(text, "Pid")) return fail(Kind::internal, "a descriptor that is not a pidfd");
  const auto pid = status_number(text, "Pid");
  if (!pid) return fail_errno(Kind::kernel, "the peer has ended", ESRCH);  // -1
  if (*pid == 0 || *pid > std::uint64_t{std::numeric_limits<pid_t>::max()})
    return fail(Kind::kernel, "the peer lives outside our pid namespace");
  Process process;
  process.pid = static_cast<pid_t>(*pid);
  process.pidfd = std::move(pidfd);
  return look_closer(proc, std::move(process));
}

Result<std::optional<Process>> find_process(const Proc& proc, pid_t pid, std::uint64_t start_time) {
  auto process = open_process(proc, pid);
  if (!process && process.error().code == ESRCH) return std::nullopt;
  if (!process) return std::unexpected(std::move(process).error());
  if (process->start_time != start_time) return std::nullopt;
  return std::move(*process);
}

Result<bool> is_alive(const Process& process) {
  if (process.pidfd) return !XC_TRY(is_readable(process.pidfd.get()));
  const auto stat = read_stat(process);
  if (stat) return !has_ended(*stat);
  if (stat.error().code == ESRCH || stat.error().code == ENOENT) return false;
  return std::unexpected(stat.error());
}

void wait_for_end(const Process& process, Deadline deadline) {
  pollfd waiting{.fd = process.pidfd.get(), .events = POLLIN, .revents = 0};
  while (process.pidfd && ::poll(&waiting, 1, milliseconds_until(deadline)) < 0 && errno == EINTR) {
  }
}

Result<> signal_process(const Process& process, int signal) {
  if (process.pidfd) {
    if (::syscall(SYS_pidfd_send_signal, process.pidfd.get(), signal, nullptr, 0) == 0 || errno == ESRCH) return {};
    return fail_errno(Kind::kernel, "signalling " + called(process.pid), errno);
  }
  if (!XC_TRY(is_alive(process))) return {};
  if (::kill(process.pid, signal) == 0 || errno == ESRCH) return {};
  return fail_errno(Kind::kernel, "signalling " + called(process.pid), errno);
}

}  // namespace xc::sys
