#include "shim/worker.h"

#include <malloc.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <vector>

#include "shim/handover.h"
#include "shim/observer.h"
#include "shim/session.h"
#include "sys/poller.h"
#include "sys/seccomp.h"

namespace xc::shim {
namespace {

/// Which endpoint of which session an event belongs to: the address of the session, with the side in its lowest bit.
enum class Side : std::uint64_t { client = 0, server = 1 };

struct Watched {
  std::unique_ptr<Session> session;
  std::array<std::uint32_t, 2> watching{};  ///< events each side is registered for; 0 = not registered
  bool finished = false;
};

class Worker {
 public:
  Worker(const Duty& duty, Fd control, sys::Poller poller)
      : duty_(duty), control_(std::move(control)), poller_(std::move(poller)) {}

  Result<> run();

 private:
  Result<> serve(std::uint64_t token, std::uint32_t events);
  Result<> take_connection();
  void pump(Watched& watched);
  void settle(Watched& watched, Result<> outcome);
  Result<> watch(Watched& watched, Side side, const Endpoint& endpoint);
  void expire_due();
  void sweep();
  [[nodiscard]] int patience_left() const;

  const Duty& duty_;
  Fd control_;
  sys::Poller poller_;
  SocketObserver observer_;
  std::vector<std::unique_ptr<Watched>> connections_;
  bool swept_ = true;
  Clock::time_point now_ = Clock::now();
  Clock::time_point earliest_ = Clock::time_point::max();  ///< no deadline lies before it
};

constexpr std::uint64_t control_token = 0;
constexpr std::size_t events_at_once = 32;

Result<> Worker::run() {
  XC_CHECK(poller_.add(control_.get(), EPOLLIN, control_token));
  std::array<epoll_event, events_at_once> room{};
  while (control_ || !connections_.empty()) {
    const auto events = XC_TRY(poller_.wait(room, patience_left()));
    now_ = Clock::now();
    for (const auto& event : events) XC_CHECK(serve(event.data.u64, event.events));
    if (now_ >= earliest_) expire_due();
    if (!swept_) sweep();
  }
  return {};
}

Result<> Worker::serve(std::uint64_t token, std::uint32_t events) {
  if (token == control_token) return take_connection();
  auto& watched = *std::bit_cast<Watched*>(token & ~std::uint64_t{1});
  if (watched.finished) return {};
  const bool from_client = static_cast<Side>(token & 1U) == Side::client;
  (from_client ? watched.session->client : watched.session->server).wake(events);
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
    observer_.listen(std::move((*arrived)->observer));
    return {};
  }
  ++duty_.page.taken;
  auto& [upstream, client, server, observer] = **arrived;
  const mediate::Terms terms{duty_.effective.type,   duty_.client, duty_.link.role,  duty_.link.service,
                             duty_.effective.rights, upstream,     duty_.page.tally, observer_.get()};
  auto watched = std::make_unique<Watched>();
  watched->session = std::make_unique<Session>(std::move(client), std::move(server), mediate::make_mediator(terms));
  pump(*watched);
  connections_.push_back(std::move(watched));
  return {};
}

void Worker::pump(Watched& watched) {
  settle(watched, watched.session->pump(now_));
}

/// After a session moved: what to wait for next, or its end.
void Worker::settle(Watched& watched, Result<> outcome) {
  if (outcome && !watched.session->over()) {
    outcome = watch(watched, Side::client, watched.session->client);
    if (outcome) outcome = watch(watched, Side::server, watched.session->server);
    if (outcome) {
      if (const auto deadline = watched.session->deadline()) earliest_ = std::min(earliest_, *deadline);
      return;
    }
  }
  if (!outcome) remember(duty_.page, outcome.error().text);
  for (const auto* endpoint : {&watched.session->client, &watched.session->server})
    if (watched.watching[endpoint == &watched.session->server ? 1 : 0] != 0) poller_.remove(endpoint->descriptor());
  watched.finished = true;  // freed in sweep(): later events of this round may still name it
  swept_ = false;
}

Result<> Worker::watch(Watched& watched, Side side, const Endpoint& endpoint) {
  std::uint32_t& watching = watched.watching[static_cast<std::size_t>(side)];
  const std::uint32_t wanted = endpoint.interest();
  if (wanted == watching) return {};
  const std::uint64_t token = std::bit_cast<std::uint64_t>(&watched) | static_cast<std::uint64_t>(side);
  if (wanted == 0)
    poller_.remove(endpoint.descriptor());
  else if (watching == 0)
    XC_CHECK(poller_.add(endpoint.descriptor(), wanted, token));
  else
    XC_CHECK(poller_.change(endpoint.descriptor(), wanted, token));
  watching = wanted;
  return {};
}

void Worker::expire_due() {
  earliest_ = Clock::time_point::max();
  for (auto& watched : connections_) {
    if (watched->finished) continue;
    const auto deadline = watched->session->deadline();
    if (!deadline) continue;
    if (*deadline <= now_)
      settle(*watched, watched->session->expire(now_));
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

Result<> run_worker(const Duty& duty, Fd control) {
  // Buffers come and go with every burst: keep the heap instead of asking the kernel each time.
  (void)::mallopt(M_MMAP_THRESHOLD, 1 << 20);
  (void)::mallopt(M_TRIM_THRESHOLD, 512 << 10);
  Worker worker(duty, std::move(control), XC_TRY(sys::Poller::create()));
  XC_CHECK(sys::install_filter(sys::Filter::worker));  // the last call that the filter would refuse lies behind us
  return worker.run();
}

}  // namespace xc::shim
