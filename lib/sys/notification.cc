// See notification.h.
#include "sys/notification.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

#include "base/text.h"
#include "sys/link_text.h"
#include "sys/proc_status.h"

namespace xc::sys {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t native = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t native = AUDIT_ARCH_AARCH64;
#elif defined(__arm__)
constexpr std::uint32_t native = AUDIT_ARCH_ARM;
#endif

constexpr unsigned of_a_thread = O_EXCL;  // PIDFD_THREAD, Linux 6.9

/// A newer kernel's structure may be longer than the one we know: the ioctl writes all of it.
struct Room {
  alignas(seccomp_notif) std::array<char, 1024> bytes{};
};

bool respond(int notifier, seccomp_notif_resp response) {
  return ::ioctl(notifier, SECCOMP_IOCTL_NOTIF_SEND, &response) == 0;
}

int open_pidfd_with(pid_t pid, unsigned flags) {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, flags));
}

}  // namespace

Result<> check_notifications() {
  seccomp_notif_sizes sizes{};
  const bool fits = ::syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0U, &sizes) == 0 &&
                    sizes.seccomp_notif <= sizeof(Room) && sizes.seccomp_notif_resp <= sizeof(seccomp_notif_resp);
  if (fits && (::syscall(SYS_pidfd_getfd, -1, 0, 0U) == 0 || errno != ENOSYS)) return {};
  return fail(Kind::plant,
              "this kernel cannot redirect connect(2): it needs seccomp_unotify(2) and pidfd_getfd(2), "
              "Linux 5.6; use a path");
}

bool is_notifier(int descriptor) {
  constexpr std::string_view expected = "anon_inode:seccomp notify";
  return name_of_descriptor(descriptor).value_or("") == expected;
}

Result<std::optional<Notification>> take_notification(int notifier) {
  Room room;  // all zero, as the kernel demands
  if (::ioctl(notifier, SECCOMP_IOCTL_NOTIF_RECV, room.bytes.data()) != 0) {
    if (errno == ENOENT || errno == EINTR) return std::nullopt;
    return fail_errno(Kind::kernel, "SECCOMP_IOCTL_NOTIF_RECV", errno);
  }
  seccomp_notif said{};
  std::memcpy(&said, room.bytes.data(), sizeof said);
  Notification call;
  call.id = said.id;
  call.thread = static_cast<pid_t>(said.pid);
  call.is_connect = said.data.arch == native && said.data.nr == SYS_connect;
  call.socket = static_cast<int>(said.data.args[0]);
  call.address = said.data.args[1];
  call.length = static_cast<std::uint32_t>(said.data.args[2]);
  return call;
}

bool is_waiting(int notifier, std::uint64_t id) {
  return ::ioctl(notifier, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

bool is_called_away(const Proc& proc, pid_t thread) {
  const auto status = read_status(proc.dir(), text::number(thread) + "/status");
  if (!status) return true;
  const std::uint64_t pending = status_mask(*status, "SigPnd").value_or(0) | status_mask(*status, "ShdPnd").value_or(0);
  return (pending & ~status_mask(*status, "SigBlk").value_or(0)) != 0;
}

bool answer(int notifier, std::uint64_t id, int code) {
  return respond(notifier, {.id = id, .val = 0, .error = -code, .flags = 0});
}

void let_happen(int notifier, std::uint64_t id) {
  (void)respond(notifier, {.id = id, .val = 0, .error = 0, .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE});
}

Result<Caller> caller_of(const Proc& proc, pid_t thread) {
  const std::string status = XC_TRY(read_status(proc.dir(), text::number(thread) + "/status"));
  const auto group = status_number(status, "Tgid");
  const auto uid = status_number(status, "Uid");
  if (!group || !uid) return fail(Kind::kernel, "status: not as proc(5) says");
  return Caller{XC_TRY(open_process(proc, static_cast<pid_t>(*group))), static_cast<uid_t>(*uid)};
}

Result<Fd> memory_of(const Proc& proc, pid_t thread) {
  Fd memory{::openat(proc.dir(), (text::number(thread) + "/mem").c_str(), O_RDONLY | O_CLOEXEC)};
  if (!memory) return fail_errno(Kind::kernel, "a caller's memory", errno);
  return memory;
}

/// A thread's own table of descriptors, where the kernel can be asked for it; else its process's, which is the same
/// unless the thread has left it (unshare(2)).
Result<Fd> descriptor_of(const Caller& caller, pid_t thread, int number) {
  const Fd exact{open_pidfd_with(thread, of_a_thread)};
  Fd copy = copy_descriptor(exact ? exact : caller.process.pidfd, number);
  if (!copy) return fail_errno(Kind::kernel, "pidfd_getfd", errno);
  return copy;
}

}  // namespace xc::sys
