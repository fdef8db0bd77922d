// epoll(7) with an owner and typed errors. One instance per process of the shim; no idle wake-up.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <optional>
#include <span>

#include "base/fd.h"
#include "base/result.h"

namespace xc::sys {

class Poller {
 public:
  [[nodiscard]] static Result<Poller> create();

  /// Watches `descriptor` (borrowed) for `events` (EPOLLIN, ...); `token` comes back with each event.
  [[nodiscard]] Result<> add(int descriptor, std::uint32_t events, std::uint64_t token);
  [[nodiscard]] Result<> change(int descriptor, std::uint32_t events, std::uint64_t token);
  /// Stops watching; a descriptor that is not watched is no error. Call it before the descriptor is closed: a copy of
  /// the open file elsewhere would keep the event alive.
  void remove(int descriptor);

  /// Waits at most `milliseconds` (-1 = for ever) and returns the events that came; an interrupting signal is an
  /// empty answer.
  [[nodiscard]] Result<std::span<epoll_event>> wait(std::span<epoll_event> room, int milliseconds);
  [[nodiscard]] int descriptor() const { return epoll_.get(); }

 private:
  explicit Poller(Fd epoll) : epoll_(std::move(epoll)) {}
  Fd epoll_;
};

}  // namespace xc::sys
