// One socket of a connection and the two streams behind it. Runs in the worker; knows recvmsg(2) and sendmsg(2), and
// nothing about protocols.
#pragma once

#include <cstdint>

#include "base/fd.h"
#include "base/result.h"
#include "mediate/stream.h"

namespace xc::shim {

class Endpoint {
 public:
  /// An endpoint without a socket has ended: nothing comes, and what is written is dropped.
  /// `at_once`: the peer may have spoken before we came; otherwise epoll is asked first.
  explicit Endpoint(Fd socket, bool at_once);

  /// Takes note of what epoll (level-triggered) said.
  void wake(std::uint32_t events);
  /// Events to wait for now; 0 = none, and then the socket must not be watched (EPOLLHUP cannot be masked).
  [[nodiscard]] std::uint32_t interest() const;

  /// Reads once if the socket was reported readable and `in` has room.
  [[nodiscard]] Result<> receive();
  /// Writes until `out` is empty or the kernel takes no more; descriptors leave with the byte they are pinned to.
  /// Passes the end on (shutdown(2), SHUT_WR) once `out` is finished. True when something left.
  [[nodiscard]] Result<bool> send();

  /// The kernel has too many of our descriptors in flight: no event tells when that changes, so somebody has to ask.
  [[nodiscard]] bool must_retry() const { return retry_; }
  /// The next send() asks.
  void try_again() { writable_ = writable_ || retry_; }

  /// Nobody wants what this peer has to say any more: its further writes fail with EPIPE. False when it had ended.
  bool stop_receiving();

  /// The end has been passed to the peer, or the peer reads no more.
  [[nodiscard]] bool drained() const { return sent_end_; }
  /// There is a peer, and it reads no more though nobody told it the end.
  [[nodiscard]] bool deaf() const { return deaf_; }
  [[nodiscard]] int descriptor() const { return socket_.get(); }

  mediate::Stream in;   ///< from the peer
  mediate::Stream out;  ///< to the peer

 private:
  enum class Outcome { moved, blocked };
  [[nodiscard]] Result<Outcome> send_once();

  Fd socket_;
  bool readable_;
  bool writable_ = true;
  bool retry_ = false;
  bool sent_end_ = false;
  bool deaf_ = false;
};

}  // namespace xc::shim
