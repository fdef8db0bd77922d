#include "shim/worker.h"

#include <malloc.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "shim/handover.h"
#include "shim/observer.h"
#include "shim/relay.h"
#include "shim/session.h"
#include "shim/vigil.h"
#include "sys/memory_file.h"
#include "sys/poller.h"
#include "sys/program_pages.h"
#include "sys/seccomp.h"

namespace xc::shim {
namespace {

/// A connection in the poller. An event names it by its address, with the side in the lowest bit.
struct Watched {
  std::unique_ptr<Connection> connection;
  std::array<std::uint32_t, 2> watching{};  ///< events each side is registered for; 0 = not registered
  bool finished = false;
};

/// How a worker may call itself: its saved ids, which are the role's where the provider knows roles by user.
std::optional<ucred> saved_credentials() {
  uid_t real = 0;
  uid_t effective = 0;
  uid_t saved = 0;
  if (::getresuid(&real, &effective, &saved) != 0 || saved == effective) return std::nullopt;
  return ucred{::getpid(), saved, static_cast<gid_t>(saved)};
}

class Worker {
 public:
  Worker(const Duty& duty, Fd control, sys::Poller poller, std::optional<Toolbox> tools)
      : duty_(duty), control_(std::move(control)), poller_(std::move(poller)), tools_(std::move(tools)) {}

  Result<> run();

 private:
  Result<std::span<epoll_event>> next_events(std::span<epoll_event> room);
  Result<std::span<epoll_event>> sleep(std::span<epoll_event> room);
  Result<> serve(std::uint64_t token, std::uint32_t events);
  Result<> take_connection();
  void pump(Watched& watched);
  void settle(Watched& watched, Result<> outcome);
  Result<> watch(Watched& watched, Side side);
  std::unique_ptr<Connection> connect(Handover handover);
  void expire_due();
  void sweep();
  [[nodiscard]] int patience_left() const;

  const Duty& duty_;
  Fd control_;
  sys::Poller poller_;
  SocketObserver observer_{duty_.page};
  std::optional<Toolbox> tools_;  ///< of raw links
  const std::optional<ucred> credentials_ = saved_credentials();
  std::vector<std::unique_ptr<Watched>> connections_;
  Vigil vigil_;
  bool busy_ = false;  ///< a raw link moved in the last round
  bool swept_ = true;
  bool rested_ = false;    ///< nothing has happened since memory was given back
  bool relieved_ = false;  ///< no connection will follow
  Clock::time_point now_ = Clock::now();
  Clock::time_point earliest_ = Clock::time_point::max();  ///< no deadline lies before it
};

constexpr std::uint64_t control_token = 0;
constexpr std::size_t events_at_once = 32;
constexpr int quiet_time = 2000;  // milliseconds without an event after which a burst is over

Result<> Worker::run() {
  XC_CHECK(poller_.add(control_.get(), EPOLLIN, control_token));
  std::array<epoll_event, events_at_once> room{};
  while ((control_ && !relieved_) || !connections_.empty()) {
    const auto events = XC_TRY(next_events(room));
    now_ = Clock::now();
    observer_.set_time(now_);
    for (const auto& event : events) XC_CHECK(serve(event.data.u64, event.events));
    if (now_ >= earliest_) expire_due();
    if (!swept_) sweep();
  }
  return {};
}

/// Events of the poller; after something was relayed, the next one is looked for before the worker sleeps.
Result<std::span<epoll_event>> Worker::next_events(std::span<epoll_event> room) {
  if (!std::exchange(busy_, false) || !vigil_.worthwhile()) return sleep(room);
  const auto until = now_ + Vigil::longest;
  do {
    const auto events = XC_TRY(poller_.wait(room, 0));
    if (events.empty()) continue;
    vigil_.learn(true);
    return events;
  } while (Clock::now() < until);
  vigil_.learn(false);
  return sleep(room);
}

/// Sleeps until something happens. What a burst left behind is given back once, when it is over; after that nothing but
/// an event or a deadline wakes the worker.
Result<std::span<epoll_event>> Worker::sleep(std::span<epoll_event> room) {
  const int patience = patience_left();
  if (rested_ || (patience >= 0 && patience < quiet_time)) return poller_.wait(room, patience);
  const auto events = XC_TRY(poller_.wait(room, quiet_time));
  rested_ = events.empty();
  if (!rested_) return events;
  (void)::malloc_trim(0);
  sys::forget_program_pages();
  return events;
}

Result<> Worker::serve(std::uint64_t token, std::uint32_t events) {
  rested_ = false;
  if (token == control_token) return take_connection();
  auto& watched = *std::bit_cast<Watched*>(static_cast<std::uintptr_t>(token) & ~std::uintptr_t{1});
  if (watched.finished) return {};
  watched.connection->wake(static_cast<Side>(token & 1U), events);
  busy_ = tools_.has_value();
  pump(watched);
  return {};
}

Result<> Worker::take_connection() {
  auto arrived = receive_handover(control_.get());
  if (!arrived) return std::unexpected(std::move(arrived).error());
  if (!*arrived) {  // the monitor has no more for us: finish what there is
    poller_.remove(control_.get());
    control_.reset();
    return {};
  }
  if ((*arrived)->observer) {
    observer_.listen(std::move((*arrived)->observer), (*arrived)->payload);
    return {};
  }
  if ((*arrived)->last) {
    relieved_ = true;
    return {};
  }
  ++duty_.page.taken;
  auto watched = std::make_unique<Watched>();
  if (tools_ && observer_.listening()) report_connection(observer_, "opened");
  watched->connection = connect(std::move(**arrived));
  pump(*watched);
  connections_.push_back(std::move(watched));
  return {};
}

std::unique_ptr<Connection> Worker::connect(Handover handover) {
  auto& [upstream, client, server, observer, payload, last] = handover;
  if (tools_) {
    const Relay::Terms terms{.packets = duty_.link.socket_kind == model::SocketKind::seqpacket,
                             .most_descriptors = most_descriptors(duty_.effective),
                             .credentials = credentials_,
                             .tally = duty_.page.tally,
                             .drops = duty_.effective.type == model::Type::vchan,  // an offer is not a demand
                             .observer = &observer_};
    return std::make_unique<Relay>(std::move(client), std::move(server), terms, *tools_);
  }
  const mediate::Terms terms{duty_.effective.type,   duty_.client,    duty_.link.role,  duty_.link.service,
                             duty_.effective.rights, upstream,        duty_.page.tally, &observer_,
                             sys::memory_size,       duty_.link.token};
  return std::make_unique<Session>(std::move(client), std::move(server), mediate::make_mediator(terms),
                                   duty_.effective.type == model::Type::rest ? &observer_ : nullptr);
}

void Worker::pump(Watched& watched) {
  settle(watched, watched.connection->pump(now_));
}

/// After a connection moved: what to wait for next, or its end.
void Worker::settle(Watched& watched, Result<> outcome) {
  if (outcome && !watched.connection->over()) {
    outcome = watch(watched, Side::client);
    if (outcome) outcome = watch(watched, Side::server);
    if (outcome) {
      if (const auto deadline = watched.connection->deadline()) earliest_ = std::min(earliest_, *deadline);
      return;
    }
  }
  if (!outcome) remember(duty_.page, outcome.error().text);
  if (tools_ && observer_.listening())
    report_connection(observer_, "closed", outcome ? std::string_view() : std::string_view(outcome.error().text));
  for (const Side side : {Side::client, Side::server})
    if (watched.watching[static_cast<std::size_t>(side)] != 0) poller_.remove(watched.connection->descriptor(side));
  watched.finished = true;  // freed in sweep(): later events of this round may still name it
  swept_ = false;
}

Result<> Worker::watch(Watched& watched, Side side) {
  std::uint32_t& watching = watched.watching[static_cast<std::size_t>(side)];
  const std::uint32_t wanted = watched.connection->interest(side);
  if (wanted == watching) return {};
  const int descriptor = watched.connection->descriptor(side);
  const std::uint64_t token = std::bit_cast<std::uintptr_t>(&watched) | static_cast<std::uintptr_t>(side);
  if (wanted == 0)
    poller_.remove(descriptor);
  else if (watching == 0)
    XC_CHECK(poller_.add(descriptor, wanted, token));
  else
    XC_CHECK(poller_.change(descriptor, wanted, token));
  watching = wanted;
  return {};
}

void Worker::expire_due() {
  earliest_ = Clock::time_point::max();
  for (auto& watched : connections_) {
    if (watched->finished) continue;
    const auto deadline = watched->connection->deadline();
    if (!deadline) continue;
    if (*deadline <= now_)
      settle(*watched, watched->connection->expire(now_));
    else
      earliest_ = std::min(earliest_, *deadline);
  }
}

void Worker::sweep() {
  duty_.page.closed += std::erase_if(connections_, [](const auto& watched) { return watched->finished; });
  swept_ = true;
}

/// Milliseconds until the earliest deadline, rounded up; -1 when there is none.
int Worker::patience_left() const {
  if (earliest_ == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(earliest_ - now_).count();
  return static_cast<int>(std::clamp<decltype(left)>(left, 0, 3'600'000));
}

}  // namespace

bool is_raw(model::Type type) {
  return type == model::Type::raw_unix || type == model::Type::vchan;
}

std::uint32_t most_descriptors(const grant::Effective& effective) {
  const bool vchan = effective.type == model::Type::vchan;
  return vchan ? model::vchan_descriptor_limit(effective.rights) : model::descriptor_limit(effective.rights);
}

Result<> run_worker(const Duty& duty, Fd control) {
  // Buffers come and go with every burst: keep the heap instead of asking the kernel each time.
  (void)::mallopt(M_MMAP_THRESHOLD, 1 << 20);
  (void)::mallopt(M_TRIM_THRESHOLD, 512 << 10);
  std::optional<Toolbox> tools;
  if (is_raw(duty.effective.type)) tools = XC_TRY(Toolbox::create());
  Worker worker(duty, std::move(control), XC_TRY(sys::Poller::create()), std::move(tools));
  sys::forget_program_pages();
  XC_CHECK(sys::install_filter(sys::Filter::worker));  // the last call that the filter would refuse lies behind us
  return worker.run();
}

}  // namespace xc::shim
