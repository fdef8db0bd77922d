#include "app/screen.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string_view>

namespace xc::app {
namespace {

constexpr std::string_view enter = "\x1b[?1049h\x1b[?25l";  // the other screen, without cursor
constexpr std::string_view leave = "\x1b[?25h\x1b[?1049l";

volatile std::sig_atomic_t stopped = 0;

void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
    if (count < 0 && errno != EINTR) return;
    if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

Screen::Screen() {
  termios now{};
  if (::isatty(STDOUT_FILENO) != 1 || ::tcgetattr(STDIN_FILENO, &now) != 0) return;
  struct sigaction action{};
  action.sa_handler = [](int) { stopped = 1; };
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) (void)::sigaction(number, &action, nullptr);
  saved_ = now;
  now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  (void)::tcsetattr(STDIN_FILENO, TCSANOW, &now);
  write_all(enter);
}

Screen::~Screen() {
  if (!saved_) return;
  write_all(leave);
  (void)::tcsetattr(STDIN_FILENO, TCSANOW, &*saved_);
}

void Screen::show(const std::string& text) const {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) size = {24, 80, 0, 0};
  std::string out = "\x1b[H";
  std::string_view rest = text;
  for (unsigned row = 1; row <= size.ws_row; ++row) {
    const auto end = rest.find('\n');
    out += rest.substr(0, end).substr(0, size.ws_col);
    out += "\x1b[K";
    if (row < size.ws_row) out += "\r\n";
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
  }
  write_all(out);
}

std::optional<char> Screen::wait_for_key(int milliseconds) const {
  pollfd waiting{STDIN_FILENO, POLLIN, 0};
  const int count = ::poll(&waiting, 1, milliseconds);
  if (stopped != 0) return 'q';
  if (count <= 0) return std::nullopt;
  char key = 'q';
  return ::read(STDIN_FILENO, &key, 1) == 1 ? key : 'q';
}

}  // namespace xc::app
