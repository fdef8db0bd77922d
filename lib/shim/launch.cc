#include "shim/launch.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include "base/pack.h"
#include "base/text.h"
#include "sys/descriptors.h"
#include "sys/log.h"
#include "sys/privileges.h"
#include "sys/reap.h"
#include "sys/sealed_file.h"

namespace xc::shim {
namespace {

constexpr char ready_byte = 'R';
constexpr char commit_byte = 'C';

/// In the child: descriptors to their places, everything else closed, then the program. Returns only by _exit.
[[noreturn]] void become_shim(const Fd& program, const std::vector<int>& wanted) {
  if (::fork() != 0) ::_exit(0);  // the shim is nobody's child: no engine waits for it by accident
  ::setsid();
  if (!sys::detach_from_caller()) ::_exit(exit_code(Kind::kernel));
  // First above all places, so that no dup2 overwrites a descriptor that is still to be moved.
  const int above = Places::config + static_cast<int>(wanted.size());
  std::vector<int> moved;
  for (const int number : wanted) moved.push_back(::fcntl(number, F_DUPFD, above));
  const int image = ::fcntl(program.get(), F_DUPFD_CLOEXEC, above);
  int place = Places::config;
  for (const int number : moved)
    if (number < 0 || ::dup2(number, place++) < 0) ::_exit(exit_code(Kind::kernel));
  if (image < 0 || ::dup3(image, place, O_CLOEXEC) < 0 || !sys::close_from(static_cast<unsigned>(place) + 1))
    ::_exit(exit_code(Kind::kernel));
  char name[] = "xc-shim";
  char* const arguments[] = {name, nullptr};
  char* const no_environment[] = {nullptr};
  ::syscall(SYS_execveat, place, "", arguments, no_environment, AT_EMPTY_PATH);
  ::_exit(exit_code(Kind::kernel));
}

/// One byte from the other end within the time, or why not.
Result<> expect(const Fd& socket, char wanted, int milliseconds) {
  pollfd waiting{socket.get(), POLLIN, 0};
  const int answer = ::poll(&waiting, 1, milliseconds);
  if (answer < 0) return fail_errno(Kind::kernel, "poll", errno);
  if (answer == 0) return fail(Kind::again, "no answer within " + text::number(milliseconds) + " ms");
  char got = 0;
  if (::recv(socket.get(), &got, 1, 0) != 1 || got != wanted)
    return fail(Kind::kernel, "it ended before it was ready; the host's log has its reason");
  return {};
}

}  // namespace

Result<Fd> open_program(const std::string& name) {
  std::array<char, 4096> self{};
  const ssize_t length = ::readlink("/proc/self/exe", self.data(), self.size() - 1);
  std::string beside;
  if (length > 0) {
    beside.assign(self.data(), static_cast<std::size_t>(length));
    beside = beside.substr(0, beside.rfind('/') + 1) + name;
  }
  for (const std::string& path : {beside, std::string(XC_LIBEXECDIR "/") + name}) {
    Fd program{path.empty() ? -1 : ::open(path.c_str(), O_PATH | O_CLOEXEC)};
    if (program) return program;
  }
  return fail(Kind::kernel, name + " is neither beside this program nor in " XC_LIBEXECDIR "; reinstall xconnect");
}

Result<Launched> launch(const Fd& program, const Config& config, const std::vector<Fd>& listeners,
                        const std::vector<Fd>& directories, const Fd& init, int milliseconds) {
  const Fd file = XC_TRY(sys::sealed_file("xc-shim-config", pack(config)));
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return fail_errno(Kind::kernel, "socketpair", errno);
  Launched launched;
  launched.hook = Fd(pair[0]);
  Fd inner{pair[1]};
  const Fd nothing{log::extra() >= 0 ? -1 : ::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  std::vector<int> wanted{file.get(), inner.get(), init.get(), log::extra() >= 0 ? log::extra() : nothing.get()};
  for (const auto* list : {&listeners, &directories})
    for (const Fd& descriptor : *list) wanted.push_back(descriptor.get());
  const pid_t child = ::fork();
  if (child < 0) return fail_errno(Kind::kernel, "starting the shim: fork", errno);
  if (child == 0) become_shim(program, wanted);
  (void)sys::reap(child);
  inner.reset();
  XC_CHECK_IN("starting the shim", expect(launched.hook, ready_byte, milliseconds));
  return launched;
}

Result<> commit(Launched launched) {
  if (::send(launched.hook.get(), &commit_byte, 1, MSG_NOSIGNAL) != 1)
    return fail_errno(Kind::kernel, "the shim left before it was told to serve", errno);
  return {};
}

bool wait_for_commit(const Fd& hook) {
  if (::send(hook.get(), &ready_byte, 1, MSG_NOSIGNAL) != 1) return false;
  char got = 0;
  return ::recv(hook.get(), &got, 1, 0) == 1 && got == commit_byte;
}

}  // namespace xc::shim
