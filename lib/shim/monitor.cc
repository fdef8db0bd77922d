#include "shim/monitor.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/json_out.h"
#include "shim/status.h"
#include "sys/log.h"
#include "sys/program_pages.h"

namespace xc::shim {
namespace {

// Tokens of the poller: a link's index, or one of these above them.
constexpr std::uint64_t lifetime_token = 1U << 20U;
constexpr std::uint64_t signal_token = lifetime_token + 1;
constexpr std::uint64_t status_token = lifetime_token + 2;
constexpr std::uint64_t worker_token = lifetime_token + 3;
constexpr std::uint64_t guard_token = lifetime_token + 4;
constexpr std::uint64_t first_desk_token = lifetime_token + 16;
constexpr std::uint64_t shortcut_token = 2 * lifetime_token;  // and a link's index
constexpr std::size_t events_at_once = 16;

}  // namespace

Result<Monitor> Monitor::create(const Config& config, const Street& street, std::vector<Fd> listeners, Watch watch) {
  Monitor monitor(config, street, std::move(watch), XC_TRY(sys::Poller::create()));
  const auto watched = [&](const Fd& descriptor, std::uint64_t token) -> Result<> {
    if (!descriptor) return {};
    return monitor.poller_.add(descriptor.get(), EPOLLIN, token);
  };
  XC_CHECK(watched(monitor.watch_.lifetime, lifetime_token));
  XC_CHECK(watched(monitor.watch_.signals, signal_token));
  XC_CHECK(watched(monitor.watch_.status, status_token));
  if (monitor.guard_.descriptor() >= 0)
    XC_CHECK(monitor.poller_.add(monitor.guard_.descriptor(), EPOLLIN, guard_token));
  const uid_t worker_uid = private_uid(static_cast<pid_t>(config.init.pid != 0 ? config.init.pid : ::getpid()));
  for (std::size_t i = 0; i < config.links.size(); ++i) {
    auto post = std::make_unique<Post>(config.links[i], street, worker_uid, std::move(listeners.at(i)));
    if (post->listener() >= 0) XC_CHECK(monitor.poller_.add(post->listener(), EPOLLIN, i));
    post->observe(monitor.watch_.observer.get());
    monitor.posts_.push_back(std::move(post));
  }
  for (std::size_t i = 0; i < config.leases.size(); ++i) {
    Fd& listener = listeners.at(config.links.size() + i);
    XC_CHECK(watched(listener, first_desk_token + i));
    monitor.desks_.push_back(
        std::make_unique<LeaseDesk>(config.leases[i], street.state, config.key, std::move(listener)));
  }
  return monitor;
}

Result<> Monitor::run() {
  std::array<epoll_event, events_at_once> room{};
  for (auto& post : posts_) post->begin();
  watch_shortcuts();
  sys::forget_program_pages();  // those of the start
  for (bool alive = true; alive;) {
    const auto events = XC_TRY(poller_.wait(room, milliseconds_to_wait()));
    now_ = Clock::now();
    for (const auto& event : events) alive = XC_TRY(handle(event.data.u64)) && alive;
    resume_due();
    check_workers();
    watch_shortcuts();
    XC_CHECK(look_after_devices());
  }
  for (auto& post : posts_) post->end();
  for (auto& desk : desks_) desk->end();
  guard_.end();
  return {};
}

/// False when the monitor's time is over.
Result<bool> Monitor::handle(std::uint64_t token) {
  if (token == lifetime_token || token == signal_token) return false;
  if (token == status_token) answer_status();
  if (token == worker_token) worker_ended_ = true;
  if (token == guard_token) {
    guard_.notice(now_);
    poller_.remove(guard_.descriptor());  // until the look that is due now, further events say nothing new
    guard_asleep_ = true;
  }
  if (token >= shortcut_token) posts_.at(token - shortcut_token)->notice(now_);
  if (token < posts_.size()) serve(token);
  if (token >= first_desk_token && token < shortcut_token) desks_.at(token - first_desk_token)->serve();
  return true;
}

Result<> Monitor::look_after_devices() {
  if (!guard_.check(now_) || !guard_asleep_) return {};
  guard_asleep_ = false;
  return poller_.add(guard_.descriptor(), EPOLLIN, guard_token);
}

void Monitor::serve(std::size_t index) {
  Post& post = *posts_[index];
  const int listener = post.listener();
  const auto pause = post.serve(now_);
  watch_workers(post);
  if (!pause || post.listener() < 0) return;
  poller_.remove(listener);  // level-triggered: it would report at once and for ever
  paused_.push_back({index, now_ + *pause});
}

void Monitor::resume_due() {
  std::vector<std::size_t> held;
  for (auto& paused : paused_) {
    if (paused.until > now_) continue;
    if (posts_[paused.index]->holds_client()) held.push_back(paused.index);
    const int listener = posts_[paused.index]->listener();
    if (listener >= 0 && !poller_.add(listener, EPOLLIN, paused.index))
      posts_[paused.index]->close("the kernel does not let us wait for connections");
  }
  std::erase_if(paused_, [&](const Paused& paused) { return paused.until <= now_; });
  for (const std::size_t index : held) serve(index);
}

void Monitor::watch_workers(const Post& post) {
  for (const int number : post.worker_descriptors()) {
    if (std::find(watched_workers_.begin(), watched_workers_.end(), number) != watched_workers_.end()) continue;
    if (poller_.add(number, EPOLLIN, worker_token)) watched_workers_.push_back(number);
  }
}

/// A shortcut says itself when it wants to be watched; its descriptor never changes.
void Monitor::watch_shortcuts() {
  watched_shortcuts_.resize(posts_.size(), -1);
  for (std::size_t i = 0; i < posts_.size(); ++i) {
    const int wanted = posts_[i]->shortcut_descriptor();
    int& watched = watched_shortcuts_[i];
    if (wanted == watched) continue;
    if (watched >= 0) poller_.remove(watched);
    watched = wanted >= 0 && poller_.add(wanted, EPOLLIN, shortcut_token + i) ? wanted : -1;
  }
}

void Monitor::check_workers() {
  const auto is_due = [&](const auto& post) { return post->next_check().value_or(Clock::time_point::max()) <= now_; };
  if (!std::exchange(worker_ended_, false) && !std::ranges::any_of(posts_, is_due)) return;
  bool gone = false;
  for (auto& post : posts_) gone = post->check(now_) || gone;
  if (!gone) return;
  // A buried worker's descriptor is closed, and the kernel has forgotten it: rebuild the list of those that live.
  watched_workers_.clear();
  for (const auto& post : posts_) {
    const auto living = post->worker_descriptors();
    watched_workers_.insert(watched_workers_.end(), living.begin(), living.end());
  }
}

/// One JSON document to whoever could reach a socket in a directory of mode 0700; nothing is read.
void Monitor::answer_status() {
  const Fd peer{::accept4(watch_.status.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
  if (!peer) return;
  Status status;
  status.container = config_.consumer;
  status.pid = config_.init.pid;
  for (const auto& post : posts_) status.links.push_back(post->status());
  for (const auto& desk : desks_) status.links.push_back(desk->status());
  for (auto& device : guard_.status()) status.links.push_back(std::move(device));
  const std::string text = to_json(status) + "\n";  // far below a socket buffer: sent at once or not at all
  (void)::send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/// -1 when nothing is due: an idle monitor sleeps for ever.
int Monitor::milliseconds_to_wait() const {
  auto earliest = Clock::time_point::max();
  for (const auto& paused : paused_) earliest = std::min(earliest, paused.until);
  for (const auto& post : posts_)
    if (const auto due = post->next_check()) earliest = std::min(earliest, *due);
  if (const auto due = guard_.next_check()) earliest = std::min(earliest, *due);
  if (earliest == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(earliest - Clock::now()).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, 60'000));
}

}  // namespace xc::shim
