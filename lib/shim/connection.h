// What a worker needs to know of a connection it serves, whatever is done with its bytes: a Session hands them to a
// mediator, a Relay passes them on. Runs in the worker.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "base/result.h"

namespace xc::shim {

using Clock = std::chrono::steady_clock;

/// The two sockets of a connection.
enum class Side : std::uint8_t { client = 0, server = 1 };

class Connection {
 public:
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  virtual ~Connection() = default;

  /// Takes note of what epoll (level-triggered) said of one socket.
  virtual void wake(Side side, std::uint32_t events) = 0;
  /// Moves everything that can be moved. An error ends the connection at once.
  [[nodiscard]] virtual Result<> pump(Clock::time_point now) = 0;
  /// The deadline passed; an error ends the connection.
  [[nodiscard]] virtual Result<> expire(Clock::time_point now) = 0;
  /// When expire() is due; empty = never.
  [[nodiscard]] virtual std::optional<Clock::time_point> deadline() const = 0;
  /// Both ends have been told everything: the connection can be closed.
  [[nodiscard]] virtual bool over() const = 0;

  [[nodiscard]] virtual int descriptor(Side side) const = 0;
  /// Events to wait for now; 0 = none, and then the socket must not be watched (EPOLLHUP cannot be masked).
  [[nodiscard]] virtual std::uint32_t interest(Side side) const = 0;
};

}  // namespace xc::shim
