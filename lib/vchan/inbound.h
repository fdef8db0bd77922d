// The direction from the peer: the stream, and the ring once the peer writes there. Runs in the program that uses the
// library. The caller holds the channel's lock.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/fd.h"
#include "vchan/mutex.h"
#include "vchan/reservoir.h"
#include "vchan/ring.h"
#include "vchan/shared.h"
#include "vchan/sleeper.h"

namespace xc::vchan {

class Inbound {
 public:
  /// `size` is what the API calls the ring's size, `shared` whether memory that is offered is used.
  void set_up(std::size_t size, bool shared);

  [[nodiscard]] std::size_t size() const { return size_; }
  /// Bytes that have arrived.
  [[nodiscard]] std::size_t available(const Fd& socket);
  /// Moves bytes that have arrived; 0: none; -1: there are none and none will follow. With a lock, which is open
  /// meanwhile, it may wait for them; if it does not, the caller sleeps on the sleeper and calls woken().
  long get(const Fd& socket, char* bytes, std::size_t size, Mutex* sleeping);
  void woken(std::uint32_t events);
  [[nodiscard]] bool stirred() { return ring_.stirred(); }
  /// Puts back what get() gave last; false when there is no memory.
  bool put_back(const char* bytes, std::size_t size) { return returned_.put(bytes, size); }

  /// The bell for data that the peer rings; none before memory was accepted.
  [[nodiscard]] const Fd& bell() const { return shared_.data_bell; }
  [[nodiscard]] bool joined() const { return static_cast<bool>(ring_); }
  /// Asks to be told when there is data. False: there is some, or nothing to wait for.
  [[nodiscard]] bool ask();
  [[nodiscard]] const Sleeper& sleeper() const { return sleeper_; }
  /// Whether everything that comes now comes through the ring.
  [[nodiscard]] bool in_ring() { return ring_ && ring_.takes_over(received_); }
  [[nodiscard]] bool broken() const { return ring_.broken(); }
  void leave();

 private:
  long get_from_stream(const Fd& socket, char* bytes, std::size_t size, Mutex* sleeping);
  long get_from_ring(const Fd& socket, char* bytes, std::size_t size, bool thorough);
  std::size_t read_ring(char* bytes, std::size_t size);
  void join(const Fd& socket, Fd (&descriptors)[offered_descriptors]);

  std::size_t size_ = 0;
  bool first_ = false;         ///< memory may ride on the next bytes
  bool stream_ended_ = false;  ///< nothing more comes over the stream
  bool ended_ = false;
  bool hung_up_ = false;
  std::uint64_t received_ = 0;  ///< over the stream
  Reservoir returned_;
  Shared shared_;
  RingReader ring_;
  Sleeper sleeper_;
};

}  // namespace xc::vchan
