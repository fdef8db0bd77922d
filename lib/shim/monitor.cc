#include "shim/monitor.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/json_out.h"
#include "model/address.h"
#include "shim/status.h"
#include "sys/log.h"
#include "sys/own_users.h"
#include "sys/program_pages.h"

namespace xc::shim {
namespace {

// Tokens of the poller: a link's place, or one of these above them.
constexpr std::uint64_t lifetime_token = 1U << 20U;
constexpr std::uint64_t signal_token = lifetime_token + 1;
constexpr std::uint64_t status_token = lifetime_token + 2;
constexpr std::uint64_t worker_token = lifetime_token + 3;
constexpr std::uint64_t desk_token = lifetime_token + 5;
constexpr std::uint64_t redirector_token = lifetime_token + 6;
constexpr std::uint64_t first_lease_token = lifetime_token + 16;
constexpr std::uint64_t shortcut_token = 2 * lifetime_token;  // and a link's place
constexpr std::size_t events_at_once = 16;

}  // namespace

Monitor::Monitor(const Config& config, const Street& street, Watch watch, sys::Poller poller, Estate* estate)
    : config_(config),
      street_(street),
      watch_(std::move(watch)),
      poller_(std::move(poller)),
      desk_(std::move(watch_.orders), poller_, desk_token),
      estate_(estate),
      worker_uid_(
          sys::id_we_have(private_uid(static_cast<pid_t>(config.init.pid != 0 ? config.init.pid : ::getpid())))),
      guard_(config.devices, street.proc, street.init) {}

Result<std::unique_ptr<Monitor>> Monitor::create(const Config& config, const Street& street, std::vector<Fd> listeners,
                                                 Watch watch, Estate* estate) {
  auto poller = XC_TRY(sys::Poller::create());
  std::unique_ptr<Monitor> monitor(new Monitor(config, street, std::move(watch), std::move(poller), estate));
  XC_CHECK(monitor->watch());
  for (std::size_t i = 0; i < config.links.size(); ++i)
    XC_CHECK(monitor->place(config.links[i], nullptr, std::move(listeners.at(i))));
  for (std::size_t i = 0; i < config.leases.size(); ++i)
    XC_CHECK(monitor->open_lease_desk(config.leases[i], nullptr, std::move(listeners.at(config.links.size() + i))));
  if (config.redirects) XC_CHECK(monitor->open_redirector());
  return monitor;
}

Result<> Monitor::open_lease_desk(const model::Link& link, std::unique_ptr<model::Link> own, Fd listener) {
  auto free = std::ranges::find_if(lease_desks_, [](const Counter& one) { return !one.desk; });
  if (free == lease_desks_.end()) free = lease_desks_.insert(free, Counter{});
  const auto index = static_cast<std::uint64_t>(free - lease_desks_.begin());
  if (listener) XC_CHECK(poller_.add(listener.get(), EPOLLIN, first_lease_token + index));
  free->own = std::move(own);
  free->desk = std::make_unique<LeaseDesk>(link, street_.state, config_.key, std::move(listener));
  for (const Observer& one : observers_)
    if (one.wants(link)) free->desk->observe(one.socket.get());
  return {};
}

Result<> Monitor::open_redirector() {
  redirector_ = XC_TRY(Redirector::create(street_, worker_uid_, [this] { return redirected_posts(); }));
  if (config_.engine_is_there) XC_CHECK(redirector_->meet_who_waits());
  return poller_.add(redirector_->descriptor(), EPOLLIN, redirector_token);
}

std::vector<Post*> Monitor::redirected_posts() const {
  std::vector<Post*> posts;
  for (const auto& place : places_)
    if (place.post && model::redirected_path(place.post->link().target)) posts.push_back(place.post.get());
  return posts;
}

Result<> Monitor::watch() {
  const auto watched = [&](const Fd& descriptor, std::uint64_t token) -> Result<> {
    if (!descriptor) return {};
    return poller_.add(descriptor.get(), EPOLLIN, token);
  };
  XC_CHECK(watched(watch_.lifetime, lifetime_token));
  XC_CHECK(watched(watch_.signals, signal_token));
  XC_CHECK(watched(watch_.status, status_token));
  XC_CHECK(desk_.open());
  if (guard_.descriptor() >= 0) XC_CHECK(poller_.add(guard_.descriptor(), EPOLLIN, guard_token));
  if (watch_.observer) observers_.push_back({.socket = std::move(watch_.observer)});
  return {};
}

Result<Post*> Monitor::place(const model::Link& link, std::unique_ptr<model::Link> own, Fd listener) {
  auto free = std::ranges::find_if(places_, [](const Place& one) { return !one.post; });
  if (free == places_.end()) free = places_.insert(free, Place{});
  auto post = std::make_unique<Post>(link, street_, worker_uid_, std::move(listener));
  if (post->listener() >= 0)
    XC_CHECK(poller_.add(post->listener(), EPOLLIN, static_cast<std::uint64_t>(free - places_.begin())));
  free->own = std::move(own);
  free->post = std::move(post);
  for (const Observer& one : observers_)
    if (one.wants(free->post->link())) (void)free->post->observe(one.socket.get(), one.payload);  // no worker runs yet
  return free->post.get();
}

Result<> Monitor::run() {
  std::array<epoll_event, events_at_once> room{};
  for (auto& place : places_)
    if (place.post) place.post->begin();
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
    if (redirector_) redirector_->check(now_);
  }
  for (auto& place : places_)
    if (place.post) place.post->end();
  if (redirector_) redirector_->end();
  for (auto& one : lease_desks_)
    if (one.desk) one.desk->end("the container, or its shim, has ended");
  guard_.end();
  return {};
}

/// False when the monitor's time is over.
Result<bool> Monitor::handle(std::uint64_t token) {
  if (token == lifetime_token || token == signal_token) return false;
  if (token == status_token) answer_status();
  if (token == worker_token) worker_ended_ = true;
  if (token == guard_token && guard_.descriptor() >= 0) {
    guard_.notice(now_);
    poller_.remove(guard_.descriptor());  // until the look that is due now, further events say nothing new
    guard_asleep_ = true;
  }
  if (token == redirector_token) XC_CHECK(redirector_->serve(now_));
  if (token == desk_token)
    desk_.serve([this](Order& order, std::vector<Fd>& descriptors) { return obey(order, descriptors); });
  if (token >= shortcut_token) {
    if (Post* post = places_.at(static_cast<std::size_t>(token - shortcut_token)).post.get(); post != nullptr)
      post->notice(now_);
  } else if (token >= observer_token) {  // he never speaks: he has left
    drop_observer(static_cast<int>(token - observer_token));
  } else if (token >= first_lease_token) {
    if (LeaseDesk* desk = lease_desks_.at(static_cast<std::size_t>(token - first_lease_token)).desk.get();
        desk != nullptr)
      desk->serve();
  }
  const auto index = static_cast<std::size_t>(token);
  if (token < places_.size() && places_[index].post) serve(index);
  return true;
}

Result<> Monitor::look_after_devices() {
  if (!guard_.check(now_) || !guard_asleep_) return {};
  guard_asleep_ = false;
  return poller_.add(guard_.descriptor(), EPOLLIN, guard_token);
}

void Monitor::serve(std::size_t index) {
  Post& post = *places_[index].post;
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
    Post* post = places_[paused.index].post.get();
    if (post == nullptr) continue;
    if (post->holds_client()) held.push_back(paused.index);
    if (post->listener() >= 0 && !poller_.add(post->listener(), EPOLLIN, paused.index))
      post->close("the kernel does not let us wait for connections");
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
  watched_shortcuts_.resize(places_.size(), -1);
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const int wanted = places_[i].post ? places_[i].post->shortcut_descriptor() : -1;
    int& watched = watched_shortcuts_[i];
    if (wanted == watched) continue;
    if (watched >= 0) poller_.remove(watched);
    watched = wanted >= 0 && poller_.add(wanted, EPOLLIN, shortcut_token + i) ? wanted : -1;
  }
}

void Monitor::check_workers() {
  const auto is_due = [&](const Place& place) {
    return place.post && place.post->next_check().value_or(Clock::time_point::max()) <= now_;
  };
  if (!std::exchange(worker_ended_, false) && !std::ranges::any_of(places_, is_due)) return;
  bool gone = false;
  for (auto& place : places_) gone = (place.post && place.post->check(now_)) || gone;
  if (gone) renew_watched_workers();
}

/// A buried worker's descriptor is closed, and the kernel has forgotten it: those that live are left.
void Monitor::renew_watched_workers() {
  watched_workers_.clear();
  for (const auto& place : places_) {
    if (!place.post) continue;
    const auto living = place.post->worker_descriptors();
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
  status.monitor = ::getpid();
  status.observers = observers_.size();
  for (const auto& place : places_)
    if (place.post) status.links.push_back(place.post->status());
  for (const auto& one : lease_desks_)
    if (one.desk) status.links.push_back(one.desk->status());
  for (auto& device : guard_.status()) status.links.push_back(std::move(device));
  const std::string text = to_json(status) + "\n";
  constexpr int room = 512 << 10;  // what 64 links can say fits: sent at once or not at all
  (void)::setsockopt(peer.get(), SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
  (void)::send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/// -1 when nothing is due: an idle monitor sleeps for ever.
int Monitor::milliseconds_to_wait() const {
  auto earliest = Clock::time_point::max();
  for (const auto& paused : paused_) earliest = std::min(earliest, paused.until);
  for (const auto& place : places_) {
    const auto due = place.post ? place.post->next_check() : std::nullopt;
    if (due) earliest = std::min(earliest, *due);
  }
  if (const auto due = redirector_ ? redirector_->next_check() : std::nullopt) earliest = std::min(earliest, *due);
  if (const auto due = guard_.next_check()) earliest = std::min(earliest, *due);
  if (earliest == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(earliest - Clock::now()).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, 60'000));
}

}  // namespace xc::shim
