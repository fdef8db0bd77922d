#include "shim/herald.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <string_view>
#include <utility>

#include "sys/poller.h"
#include "sys/reap.h"
#include "sys/seccomp.h"
#include "sys/unix_message.h"

namespace xc::shim {
namespace {

using Clock = std::chrono::steady_clock;
using mediate::wl::ContextNames;
using mediate::wl::ContextTalk;

constexpr int absent_status = 1;  // 0: granted; anything else: refused
constexpr std::chrono::seconds patience{5};
constexpr unsigned most_open = 16;

/// One connection to the compositor, and what is said there.
class Line {
 public:
  Line(sys::Poller& poller, const Fd& socket, Clock::time_point until)
      : poller_(poller), socket_(socket), until_(until) {}

  ContextTalk talk;

  Result<> say(std::string_view words, std::span<const int> descriptors = {}) {
    const auto sent = XC_TRY(sys::send_message(socket_.get(), words, descriptors));
    if (!sent || *sent != words.size()) return fail(Kind::again, "the compositor takes no byte");
    return {};
  }

  /// Until what was said last is answered.
  Result<> listen() {
    std::array<char, 4096> room{};
    XC_CHECK(poller_.add(socket_.get(), EPOLLIN, 0));
    for (;;) {
      const auto received = XC_TRY(sys::receive_message(socket_.get(), room, 0));
      if (!received) {
        XC_CHECK(wait());
        continue;
      }
      if (received->size == 0) return fail(Kind::again, "the compositor hangs up");
      if (XC_TRY(talk.hear(std::string_view(room).substr(0, received->size)))) break;
    }
    poller_.remove(socket_.get());
    return {};
  }

 private:
  Result<> wait() {
    std::array<epoll_event, 1> events{};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until_ - Clock::now()).count();
    if (left <= 0) return fail(Kind::again, "the compositor does not answer");
    XC_CHECK(poller_.wait(events, static_cast<int>(left)));
    return {};
  }

  sys::Poller& poller_;
  const Fd& socket_;
  Clock::time_point until_;
};

/// False when the compositor has no security contexts.
Result<bool> run_errand(sys::Poller& poller, const Errand& errand, const ContextNames& names) {
  const auto until = Clock::now() + patience;
  Line line(poller, errand.compositor, until);
  XC_CHECK(line.say(line.talk.look()));
  XC_CHECK(line.listen());
  if (!line.talk.offered()) return false;
  const std::array<int, 2> given{errand.listener.get(), errand.closing.get()};
  XC_CHECK(line.say(line.talk.ask(names), given));
  XC_CHECK(line.listen());
  Line visit(poller, errand.visitor, until);
  XC_CHECK_IN("through its security context", visit.say(visit.talk.greet()));
  XC_CHECK_IN("through its security context", visit.listen());
  return true;
}

/// In the sandbox.
Result<> live_as_herald(const Fd& control, const ContextNames& names) {
  std::array<char, 1> word{};
  auto received = XC_TRY(sys::receive_message(control.get(), word, 4));
  if (!received || received->descriptors.size() != 4) return fail(Kind::internal, "a herald without an errand");
  auto& given = received->descriptors;
  const Errand errand{std::move(given[0]), std::move(given[1]), std::move(given[2]), std::move(given[3])};
  auto poller = XC_TRY(sys::Poller::create());
  XC_CHECK(sys::install_filter(sys::Filter::worker));
  if (!XC_TRY(run_errand(poller, errand, names))) ::_exit(absent_status);
  return {};
}

}  // namespace

Result<Herald> Herald::send_out(uid_t uid, const ContextNames& names, const Errand& errand) {
  auto page = XC_TRY(SharedPage::create());
  const auto work = [&](const Fd& control) { return live_as_herald(control, names); };
  const auto complain = [&](std::string_view text) { remember(*page, text); };
  auto process = XC_TRY(start_sandboxed({.uid = uid, .descriptors = most_open}, work, complain));
  Herald herald(std::move(process), std::move(page));
  const std::array<int, 4> taken{errand.compositor.get(), errand.listener.get(), errand.closing.get(),
                                 errand.visitor.get()};
  const auto sent = XC_TRY_IN("sending a herald", sys::send_message(herald.process_.control.get(), "e", taken));
  if (!sent) return fail(Kind::again, "sending a herald: he takes nothing");
  return herald;
}

Herald::~Herald() {
  if (!process_.pidfd) return;
  ::kill(process_.pid, SIGKILL);  // ours and not reaped yet
  (void)sys::reap(process_.pid);
}

Herald::Word Herald::word() {
  if (!process_.pidfd) return Word::refused;
  int status = 0;
  if (::waitpid(process_.pid, &status, WNOHANG) == 0) return Word::none_yet;
  process_.pidfd.reset();
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return Word::granted;
  if (WIFEXITED(status) && WEXITSTATUS(status) == absent_status) return Word::absent;
  return Word::refused;
}

std::string Herald::reason() const {
  const auto reasons = reasons_of(*page_);
  return reasons.empty() ? "the process that asked for it was ended" : reasons.back();
}

}  // namespace xc::shim
