#include "shim/post.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <utility>

#include "base/text.h"
#include "mediate/greeting.h"
#include "shim/admission.h"
#include "shim/rendezvous.h"
#include "shim/worker.h"
#include "sys/log.h"
#include "sys/program_pages.h"
#include "sys/unix_message.h"

namespace xc::shim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t most_untaken = 64;  // connections in the worker's queue
// Half of the listener's backlog, to which nobody else connects: connect(2) never waits there.
constexpr std::uint64_t most_redirected = 64;
constexpr seconds stuck_after{15};  // a worker that takes nothing for so long is killed
constexpr unsigned spare_descriptors =
    56;  // of a worker beside two for each connection: the loop's own, and rights in flight

/// How many connections a worker can hold with the descriptors this process may have.
unsigned connections_possible(unsigned wanted) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
  const auto room = static_cast<unsigned>(std::min<rlim_t>(limit.rlim_max, 65536));
  return std::clamp(room > spare_descriptors ? (room - spare_descriptors) / 2 : 1U, 1U, std::max(wanted, 1U));
}

bool takes_descriptors(const grant::Effective& effective) {
  switch (effective.type) {
    case model::Type::rest: return false;
    case model::Type::raw_unix:
    case model::Type::vchan: return most_descriptors(effective) > 0;
    case model::Type::dbus:
    case model::Type::wayland:
    case model::Type::drm:
    case model::Type::input:
    case model::Type::chardev:
    case model::Type::count_: return true;
  }
  return true;
}

/// How the process ended, for the log; it must be over.
std::string reap(const Sandboxed& process) {
  int status = 0;
  if (::waitpid(process.pid, &status, WNOHANG) != process.pid) return "ended";
  if (WIFSIGNALED(status)) return "was ended by signal " + text::number(WTERMSIG(status));
  return "exited with status " + text::number(WEXITSTATUS(status));
}

bool is_over(const Sandboxed& process) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(process.pid), &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

/// Somebody else took it, or it left: nothing is wrong. Otherwise the listener stays readable: without a pause we spin.
std::optional<milliseconds> after_failed_accept(int code) {
  if (code == EAGAIN || code == ECONNABORTED || code == EINTR) return std::nullopt;
  return milliseconds(100);
}

}  // namespace

Post::Post(const model::Link& link, const Street& street, uid_t worker_uid, Fd listener)
    : link_(link),
      street_(street),
      worker_uid_(worker_uid),
      listener_(std::move(listener)),
      door_(link, street, worker_uid),
      shortcut_(link, street),
      connections_(connections_possible(link.limits.connections)) {
  if (is_of_datagrams(link)) listener_.reset();  // nobody could serve it: refused until the provider's own is shown
}

void Post::begin() {
  if (link_.direct || is_of_datagrams(link_)) tend_shortcut();
}

void Post::tend_shortcut() {
  const bool possible = !closed_ && street_.init != nullptr && link_.target.starts_with('/');
  if (possible) shortcut_.tend(door_);
}

std::optional<milliseconds> Post::serve(Clock::time_point now) {
  if (link_.type == model::Type::vchan) return serve_vchan(now);
  if (!listener_) {
    early_.reset();
    return std::nullopt;
  }
  if (now < not_before_) return std::chrono::ceil<milliseconds>(not_before_ - now);
  note_limits();
  if (saturated()) return milliseconds(untaken() >= most_untaken ? 1 : 10);
  // A stranger must not even be seen by the provider. Otherwise the provider comes first: while its backlog is full our
  // client waits in ours, as it would in the provider's own.
  if (asks_who_knocks(link_, street_) && !early_) {
    const auto pause = accept_early();
    if (!early_) return pause;
  }
  Door::Opened opened = door_.open();
  if (opened.busy) return milliseconds(5);
  Fd client = early_ ? std::move(early_) : accept();
  if (!client) return after_failed_accept(errno);
  if (auto outcome = admit(std::move(client), std::move(opened), now); !outcome) turn_away(outcome.error().text);
  if (door_.effective().direct && !shortcut_.is_shown()) tend_shortcut();  // the next client needs nobody any more
  return std::nullopt;
}

Fd Post::accept() {
  Fd client{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
  if (client) ++accepted_;
  return client;
}

bool Post::has_room() const {
  return listener_ && redirected_ < accepted_ + most_redirected;
}

void Post::note_redirected(std::string client) {
  ++redirected_;
  client_ = std::move(client);
}

/// Into early_, if it may come in; otherwise how long to leave the listener alone.
std::optional<milliseconds> Post::accept_early() {
  early_ = accept();
  if (!early_) return after_failed_accept(errno);
  const auto known = check_client(link_, street_, early_);
  if (known) return std::nullopt;
  early_.reset();
  turn_away(known.error().text);
  return std::nullopt;
}

/// One client that knocked, and what the provider said: to the worker, or away.
Result<> Post::admit(Fd client, Door::Opened opened, Clock::time_point now) {
  // The mediator would close them; better they never come (R26). Where the kernel cannot, or they came first, it does.
  if (!takes_descriptors(door_.effective())) (void)sys::refuse_descriptors(client.get());
  reason_ = std::move(opened.reason);
  if (!opened.server && door_.effective().type == model::Type::raw_unix) {  // no protocol, so no word of ours: the end
    ++turned_away_;
    refused_ += opened.upstream == mediate::Upstream::denied ? 1 : 0;
    return {};
  }
  XC_CHECK(greet(opened.server));
  return hand_over({opened.upstream, XC_TRY(meet(link_, std::move(client))), std::move(opened.server)}, now);
}

/// What the provider wants to hear first. A new connection has room for it.
Result<> Post::greet(const Fd& server) const {
  const auto& identity = door_.effective().identity;
  if (!server || !identity) return {};
  const std::string words = mediate::greeting(*identity, street_.consumer, link_.role, link_.service);
  if (words.empty()) return {};
  const auto sent = XC_TRY_IN("telling the provider who calls", sys::send_message(server.get(), words, {}));
  if (sent && *sent == words.size()) return {};
  return fail(Kind::again, "telling the provider who calls: it takes no byte");
}

/// Dropping the pair closes it: the client sees the end.
void Post::turn_away(const std::string& why) {
  if (!closed_) reason_ = why;  // a closed link keeps the reason of that
  log::warning(street_.consumer + ": " + link_.service + ": " + why);
}

/// A limit that is reached counts once, until there is room again.
void Post::note_limits() {
  const auto note = [this](const char* name, bool reached, bool& before) {
    if (reached && !before) ++limits_[name];
    before = reached;
  };
  note("worker-queue", untaken() >= most_untaken, queue_is_full_);
  note("connections", active() >= connections_, connections_are_full_);
}

Result<> Post::hand_over(const Handover& handover, Clock::time_point now) {
  if (link_.socket_kind == model::SocketKind::seqpacket) XC_CHECK(sys::prepare_packets(handover.client.get()));
  if (worker_ && worker_->generation != door_.generation()) retire_worker();
  if (!worker_) {
    if (auto started = start_worker(now); !started) {
      count_crash(now);  // it may fail for good, and every try costs a fork
      return started;
    }
  }
  if (untaken() == 0) waiting_since_ = now;
  if (!XC_TRY(send_handover(worker_->process.control.get(), handover))) {
    ++limits_["worker-queue"];
    return fail(Kind::again, "the worker's queue is full: a connection was dropped");
  }
  ++passed_;
  return {};
}

Result<> Post::start_worker(Clock::time_point now) {
  if (!page_) page_ = XC_TRY(SharedPage::create());
  SandboxTerms terms;
  terms.uid = worker_uid_;
  if (door_.effective().identity == model::Identity::credentials) terms.speaks_as = door_.effective().uid;
  terms.descriptors = 2 * connections_ + spare_descriptors + (door_.effective().type == model::Type::rest ? 0 : 512);
  terms.keeps_queue = true;
  const auto work = [this](Fd control) {
    return run_worker(Duty{street_.consumer, link_, door_.effective(), *page_}, std::move(control));
  };
  const auto complain = [this](std::string_view text) { remember(*page_, text); };
  worker_ = Worker{XC_TRY(start_sandboxed(terms, work, complain)), door_.generation()};
  for (const Observer& one : observers_) (void)send_observer(worker_->process.control.get(), one.socket, one.payload);
  if (legacy_) pass_on_legacy(now);
  sys::forget_program_pages();  // those of starting a worker
  return {};
}

Result<> Post::observe(int socket, bool payload) {
  observers_.push_back({socket, payload});
  bool all = true;
  const auto tell = [&](const Sandboxed& process) {
    if (process.control) all = send_observer(process.control.get(), socket, payload).value_or(true) && all;
  };
  if (worker_) tell(worker_->process);
  for (const Retired& one : retired_) tell(one.process);
  if (all) return {};
  return fail(Kind::again, link_.service + ": its worker takes no observer now");
}

void Post::forget(int socket) {
  std::erase_if(observers_, [&](const Observer& one) { return one.socket == socket; });
}

/// The rights changed: the worker finishes what it has and gets nothing new.
void Post::retire_worker() {
  if (!send_last(worker_->process.control.get()).value_or(false)) worker_->process.control.reset();
  retired_.push_back({std::move(worker_->process), std::move(page_), std::exchange(passed_, 0)});
  worker_.reset();
}

void Post::keep_figures(const SharedPage& page, std::uint64_t passed) {
  past_.passed += passed;
  past_.tally += page->tally;
  const auto reasons = reasons_of(*page);
  past_.reasons.insert(past_.reasons.end(), reasons.begin(), reasons.end());
  if (past_.reasons.size() > Reasons::places)
    past_.reasons.erase(past_.reasons.begin(), past_.reasons.end() - Reasons::places);
}

std::uint64_t Post::untaken() const {
  const std::uint64_t taken = page_ ? page_->taken.load() : 0;
  return passed_ > taken ? passed_ - taken : 0;
}

std::uint64_t Post::active() const {
  const auto open = [](const SharedPage& page, std::uint64_t passed) {
    const std::uint64_t closed = page ? page->closed.load() : 0;
    return passed > closed ? passed - closed : 0;
  };
  std::uint64_t sum = open(page_, passed_);
  for (const Retired& one : retired_) sum += open(one.page, one.passed);
  return sum;
}

bool Post::saturated() const {
  return untaken() >= most_untaken || active() >= connections_;
}

bool Post::check(Clock::time_point now) {
  if (shortcut_.next_look().value_or(Clock::time_point::max()) <= now) tend_shortcut();
  const auto over = [this](const Retired& one) {
    if (!is_over(one.process)) return false;
    (void)reap(one.process);
    keep_figures(one.page, one.passed);
    return true;
  };
  bool changed = std::erase_if(retired_, over) > 0;
  if (legacy_ && !worker_ && now >= not_before_) try_worker(now);
  if (worker_ && is_over(worker_->process)) {
    bury(now);
    changed = true;
  } else if (worker_ && untaken() > 0 && now - waiting_since_ > stuck_after) {
    log::warning(street_.consumer + ": " + link_.service + ": the worker takes no connection, ending it");
    ::kill(worker_->process.pid, SIGKILL);  // ours and not yet reaped: the pid cannot be anybody else's
  }
  return changed;
}

std::optional<Clock::time_point> Post::next_check() const {
  auto look = shortcut_.next_look();
  if (legacy_) look = std::min(look.value_or(Clock::time_point::max()), not_before_);
  if (!worker_ || untaken() == 0) return look;
  return std::min(look.value_or(Clock::time_point::max()), waiting_since_ + stuck_after);
}

/// The worker died. The listener and whoever waits in it are untouched, and what it had not taken is for the next one;
/// too many deaths within a minute close the link.
void Post::bury(Clock::time_point now) {
  const std::string how = reap(worker_->process);
  if (has_message(worker_->process.queue.get()))
    legacy_.emplace(std::move(worker_->process.queue), worker_->generation);
  worker_.reset();
  const auto reasons = reasons_of(*page_);
  log::warning(street_.consumer + ": " + link_.service + ": the worker " + how +
               (reasons.empty() ? "" : "; its last words: " + reasons.back()));
  keep_figures(page_, std::exchange(passed_, 0));
  page_ = SharedPage();
  count_crash(now);
}

std::vector<int> Post::worker_descriptors() const {
  std::vector<int> numbers;
  if (worker_) numbers.push_back(worker_->process.pidfd.get());
  for (const auto& one : retired_) numbers.push_back(one.process.pidfd.get());
  return numbers;
}

void Post::end() {
  listener_.reset();
  legacy_.reset();
  if (worker_) retire_worker();
  for (const auto& one : retired_) {
    ::kill(one.process.pid, SIGKILL);
    (void)::waitpid(one.process.pid, nullptr, 0);
  }
  retired_.clear();
}

void Post::close(std::string reason) {
  if (closed_) return;
  closed_ = true;
  shortcut_.take_away();
  listener_.reset();  // whoever connects now is refused by the kernel instead of waiting for nobody
  legacy_.reset();
  reason_ = std::move(reason);
  log::error(street_.consumer + ": " + link_.service + ": link closed: " + reason_);
}

PostStatus status_of(const model::Link& link) {
  PostStatus status;
  status.service = link.service;
  status.type = name_of(link.type);
  status.role = link.role;
  status.target = link.target;
  status.passed_over = link.passed_over;
  status.state = "open";
  status.provider = link.provider;
  return status;
}

PostStatus Post::status() const {
  PostStatus status = status_of(link_);
  status.state = closed_ ? "closed" : shortcut_.is_shown() ? "direct" : "open";
  status.provider = door_.provider();
  status.client = client_;
  status.reason = shortcut_.trouble().empty() ? reason_ : shortcut_.trouble();
  status.connections = past_.passed + passed_ + turned_away_;
  for (const Retired& one : retired_) status.connections += one.passed;
  status.refusals = refused_;
  status.active = active();
  status.restarts = restarts_;
  status.worker = worker_ ? worker_->process.pid : 0;
  mediate::Tally tally = past_.tally;
  for (const Retired& one : retired_) tally += one.page->tally;
  if (page_) tally += page_->tally;
  status.messages = tally.messages;
  status.refusals += tally.refusals;
  status.to_server = tally.to_server;
  status.to_client = tally.to_client;
  status.descriptors = tally.descriptors;
  status.limits = limits_;
  for (std::size_t i = 0; i < mediate::Latency::places; ++i)
    if (tally.latency.counts[i] > 0)
      status.latency[text::number(mediate::Latency::longest_at(i))] = tally.latency.counts[i];
  status.last_reasons = past_.reasons;
  const auto add = [&](const std::vector<std::string>& some) {
    status.last_reasons.insert(status.last_reasons.end(), some.begin(), some.end());
  };
  for (const Retired& one : retired_) add(reasons_of(*one.page));
  if (page_) add(reasons_of(*page_));
  auto& reasons = status.last_reasons;
  if (reasons.size() > Reasons::places) reasons.erase(reasons.begin(), reasons.end() - Reasons::places);
  return status;
}

}  // namespace xc::shim
