// A moment in another network namespace, to make or connect a socket there: it keeps that namespace for its life.
// Runs in the monitor, which has one thread.
#pragma once

#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "sys/process.h"
#include "sys/unix_socket.h"

namespace xc::sys {

/// As long as it lives the calling thread is in that namespace. A process that cannot come home ends.
class NetVisit {
 public:
  /// The network namespace of `process`, which must be alive afterwards.
  [[nodiscard]] static Result<NetVisit> to(const Proc& proc, const Process& process);
  NetVisit(NetVisit&& other) noexcept = default;
  NetVisit(const NetVisit&) = delete;
  NetVisit& operator=(const NetVisit&) = delete;
  NetVisit& operator=(NetVisit&&) = delete;
  ~NetVisit();

 private:
  NetVisit(Fd home, bool at_home) : home_(std::move(home)), at_home_(at_home) {}
  Fd home_;
  bool at_home_;
};

/// A non-blocking TCP socket connected to 127.0.0.1:`port` in the network namespace of the calling thread. A backlog
/// that is full for 20 ms is EAGAIN.
[[nodiscard]] Result<Fd> connect_loopback(std::uint16_t port);

/// A non-blocking TCP socket that listens there, and nowhere else. Brings the loopback up when it is down.
[[nodiscard]] Result<Fd> listen_loopback(std::uint16_t port, int backlog);

}  // namespace xc::sys
