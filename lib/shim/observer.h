// A worker's way to tell an access log or a live trace what it does: a socket that the monitor handed down. Runs in the
// worker. What leaves is one line of JSON a message; whoever reads it believes it as little as anything of a worker.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/fd.h"
#include "mediate/observer.h"

namespace xc::shim {

class SocketObserver final : public mediate::Observer {
 public:
  /// Lines go to `socket` (SOCK_SEQPACKET) from now on.
  void listen(Fd socket) { socket_ = std::move(socket); }
  /// This observer, or null while nobody listens: then mediators format nothing.
  [[nodiscard]] mediate::Observer* get() { return socket_ ? this : nullptr; }

  /// A reader who is too slow loses lines, and is told how many; the mediation never waits for it.
  void on_event(std::string_view line) override;
  [[nodiscard]] std::uint64_t now() const override;

 private:
  bool say(std::string_view line);

  Fd socket_;
  std::uint64_t lost_ = 0;
};

}  // namespace xc::shim
