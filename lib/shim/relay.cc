#include "shim/relay.h"

#include <sys/epoll.h>

namespace xc::shim {
namespace {

constexpr std::chrono::milliseconds before_a_retry{2};

LaneTerms lane_terms(const Relay::Terms& terms, bool towards_server) {
  return {.packets = terms.packets,
          .most_descriptors = terms.most_descriptors,
          .credentials = towards_server ? terms.credentials : std::nullopt,
          .tally = &terms.tally,
          .bytes = towards_server ? &mediate::Tally::to_server : &mediate::Tally::to_client,
          .drops = terms.drops,
          .observer = terms.observer,
          .sender = towards_server ? "client" : "provider"};
}

}  // namespace

Relay::Relay(Fd client, Fd server, const Terms& terms, Toolbox& tools)
    : tools_(tools),
      ports_{{{.socket = std::move(client)}, {.socket = std::move(server), .readable = false}}},
      to_server_(ports_[0], ports_[1], lane_terms(terms, true)),
      to_client_(ports_[1], ports_[0], lane_terms(terms, false)) {}

void Relay::wake(Side side, std::uint32_t events) {
  Port& port = ports_[index(side)];
  if ((events & ~std::uint32_t{EPOLLOUT}) != 0) port.readable = true;
  if ((events & ~std::uint32_t{EPOLLIN | EPOLLRDHUP | EPOLLPRI}) != 0) port.writable = true;
  if ((events & EPOLLHUP) == 0) return;
  hung_up_[index(side)] = true;
  if (!port.told) port.deaf = true;  // it has closed both ways; we had closed none
}

Result<> Relay::pump(Clock::time_point now) {
  XC_CHECK(to_server_.move(tools_));
  XC_CHECK(to_client_.move(tools_));
  if (to_client_.over()) XC_CHECK(to_server_.move(tools_));  // what ended it may end the other as well
  deadline_.reset();
  if (to_server_.must_retry() || to_client_.must_retry()) deadline_ = now + before_a_retry;
  return {};
}

Result<> Relay::expire(Clock::time_point now) {
  for (Port& port : ports_) port.writable = true;
  return pump(now);
}

std::uint32_t Relay::interest(Side side) const {
  const Lane& away = side == Side::client ? to_server_ : to_client_;
  const Lane& towards = side == Side::client ? to_client_ : to_server_;
  std::uint32_t events = hung_up_[index(side)] ? 0U : std::uint32_t{EPOLLHUP};  // always reported: to be watched at all
  if (away.hungry()) events |= EPOLLIN | EPOLLRDHUP | EPOLLPRI;
  if (towards.stuck() && !towards.must_retry()) events |= EPOLLOUT;
  return events;
}

}  // namespace xc::shim
