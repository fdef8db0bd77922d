#include "sys/log.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <ctime>
#include <string>
#include <utility>

#include "base/fd.h"
#include "base/text.h"

namespace xc::log {
namespace {

enum class Sink { none, standard_error, syslog };

struct State {
  Sink sink = Sink::none;
  std::string_view program = "xconnect";
  Fd extra;
  time_t second = 0;
  unsigned lines = 0;
  unsigned errors = 0;
};

State& state() {
  static State instance;
  return instance;
}

constexpr unsigned lines_a_second = 20;
constexpr int facility_daemon = 3 << 3;  // LOG_DAEMON of syslog(3)

/// Errors are counted apart: warnings must not use up the line that says why a start failed.
bool within_rate(Level level) {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (now.tv_sec != state().second) {
    state().second = now.tv_sec;
    state().lines = state().errors = 0;
  }
  return ++(level == Level::error ? state().errors : state().lines) <= lines_a_second;
}

void send_to_syslog(Level level, std::string_view line) {
  const Fd socket{::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  constexpr std::string_view path = "/dev/log";
  std::memcpy(address.sun_path, path.data(), path.size());
  std::string datagram = "<" + text::number(facility_daemon | static_cast<int>(level)) + ">";
  datagram.append(state().program).append(": ").append(line);
  (void)::sendto(socket.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                 reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

}  // namespace

void to_stderr(std::string_view program) {
  state().sink = Sink::standard_error;
  state().program = program;
}

void to_syslog(std::string_view program) {
  state().sink = Sink::syslog;
  state().program = program;
}

void also_to(Fd file) {
  state().extra = std::move(file);
}

int extra() {
  return state().extra.get();
}

void write(Level level, std::string_view line) {
  if (!within_rate(level)) return;
  // Whatever a name or a path holds: one event is one line, and moves no cursor (R37).
  const std::string safe = text::printable(line, std::string_view::npos);
  std::string whole(state().program);
  whole.append(": ").append(safe).append("\n");
  if (state().extra) (void)!::write(state().extra.get(), whole.data(), whole.size());
  if (state().sink == Sink::standard_error) (void)!::write(STDERR_FILENO, whole.data(), whole.size());
  if (state().sink == Sink::syslog) send_to_syslog(level, safe);
}

}  // namespace xc::log
