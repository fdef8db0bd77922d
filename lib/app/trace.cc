#include "app/trace.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <utility>

#include "app/event_out.h"
#include "app/observing.h"
#include "base/text.h"

namespace xc::app {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds between_looks{500};
constexpr int last_rounds = 16;  // for what was said before the end: a busy link would go on for ever
constexpr std::size_t longest_line = 1UL << 20U;

volatile std::sig_atomic_t stopped = 0;

/// The first signal ends the trace, which says what was lost; poll(2) must notice.
void end_by_signal() {
  struct sigaction action{};
  action.sa_handler = [](int) { stopped = 1; };
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) (void)::sigaction(number, &action, nullptr);
}

std::uint64_t now() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::microseconds>(since).count());
}

Scope scope_of(const TraceOptions& options) {
  const auto slash = options.what.find('/');
  Scope scope{options.what.substr(0, slash), "", options.payload};
  if (slash != std::string::npos) scope.service = options.what.substr(slash + 1);
  return scope;
}

model::Event stamp_of(const Observed& link) {
  model::Event stamp;
  stamp.time = now();
  stamp.container = link.container;
  stamp.service = link.service;
  stamp.role = link.role;
  stamp.protocol = link.type;
  return stamp;
}

void complain(const std::vector<std::string>& sentences) {
  for (const auto& sentence : sentences) (void)std::fprintf(stderr, "xc-inject: not traced: %s\n", sentence.c_str());
}

/// Events as they come, until a signal or the bounds that `options` set.
Result<> trace_links(const TraceOptions& options, EventOut& out) {
  const auto state = XC_TRY(registry::StateDir::find(options.state));
  Observing observing(state, scope_of(options));
  complain(observing.look_for_links());
  if (!options.what.empty() && observing.links().empty())
    return fail(Kind::usage, text::quoted(options.what) + ": no such link is served");
  end_by_signal();
  const auto end = steady_clock::now() + std::chrono::seconds(options.seconds);
  auto next_look = steady_clock::now() + between_looks;
  Result<bool> more = true;
  bool came = true;
  const auto take = [&](const Observed& link, std::string_view line) {
    came = true;
    if (more && *more) more = out.take(line, stamp_of(link));
  };
  while (more && *more && stopped == 0 && (options.seconds == 0 || steady_clock::now() < end)) {
    if (!observing.wait(static_cast<int>(between_looks.count()) / 5, take)) continue;
    if (steady_clock::now() < next_look) continue;
    complain(observing.look_for_links());
    next_look = steady_clock::now() + between_looks;
  }
  for (int round = 0; round < last_rounds && std::exchange(came, false); ++round) (void)observing.wait(0, take);
  if (!more) return std::unexpected(more.error());
  return {};
}

Result<> read_back(const TraceOptions& options, EventOut& out) {
  const Fd file{options.read == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                    : ::open(options.read.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!file) return fail_errno(Kind::usage, options.read, errno);
  std::string text;
  std::array<char, 65536> piece{};
  for (;;) {
    const ssize_t got = ::read(file.get(), piece.data(), piece.size());
    if (got < 0) return fail_errno(Kind::usage, options.read, errno);
    if (got == 0) break;
    text.append(piece.data(), static_cast<std::size_t>(got));
    for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
      if (!XC_TRY(out.take_back(std::string_view(text).substr(0, end)))) return {};
      text.erase(0, end + 1);
    }
    if (text.size() > longest_line)
      return fail(Kind::manifest, options.read + ": no trace: a line is longer than 1 MiB");
  }
  if (!text.empty()) (void)XC_TRY(out.take_back(text));
  return {};
}

}  // namespace

Result<> trace(const TraceOptions& options) {
  if (!options.pcap.empty() && !options.payload && options.read.empty())
    return fail(Kind::usage, "--pcap writes what messages carry: say --payload as well");
  auto out = XC_TRY(EventOut::open(options));
  auto done = options.read.empty() ? trace_links(options, out) : read_back(options, out);
  if (!done && done.error().code == EPIPE) return {};
  return done;
}

}  // namespace xc::app
