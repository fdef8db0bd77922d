#include "app/log_printer.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>
#include <string_view>

#include "base/text.h"
#include "sys/descriptors.h"

namespace xc::app {
namespace {

constexpr std::size_t longest_line = 16UL * 1024;

[[noreturn]] void print_lines(const Fd& socket) {
  // The terminal's signals are meant for the mediator: its end is ours.
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) (void)std::signal(number, SIG_IGN);
  std::array<char, longest_line> room{};
  for (;;) {
    const ssize_t got = ::recv(socket.get(), room.data(), room.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) ::_exit(0);
    // Lines are made of printable characters already; they come from a process that reads hostile bytes.
    const std::string_view line(room.data(), static_cast<std::size_t>(got));
    std::string text = text::printable(line, line.size()) + '\n';
    if (::write(STDERR_FILENO, text.data(), text.size()) < 0) ::_exit(0);  // nobody reads
  }
}

}  // namespace

Result<LogPrinter> LogPrinter::start() {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return fail_errno(Kind::kernel, "socketpair", errno);
  LogPrinter printer;
  printer.socket_ = Fd(pair[0]);
  Fd inner{pair[1]};
  printer.child_ = ::fork();
  if (printer.child_ < 0) return fail_errno(Kind::kernel, "fork", errno);
  if (printer.child_ == 0) {
    constexpr int place = STDERR_FILENO + 1;
    if (inner.get() != place && ::dup3(inner.get(), place, O_CLOEXEC) < 0) ::_exit(1);
    (void)inner.release();
    if (!sys::close_from(place + 1)) ::_exit(1);
    print_lines(Fd(place));
  }
  return printer;
}

LogPrinter::~LogPrinter() {
  socket_.reset();
  if (child_ > 0) (void)::waitpid(child_, nullptr, 0);
}

}  // namespace xc::app
