// The direction towards the peer: what it has not taken yet, the stream, and the ring once the peer reads there. Runs
// in the program that uses the library; never blocks. The caller holds the channel's lock.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/fd.h"
#include "vchan/reservoir.h"
#include "vchan/ring.h"
#include "vchan/shared.h"
#include "vchan/sleeper.h"

namespace xc::vchan {

class Outbound {
 public:
  /// `size` is what the API calls the ring's size, `shared` whether memory is offered.
  void set_up(std::size_t size, bool shared);

  [[nodiscard]] std::size_t size() const { return size_; }
  /// Bytes that will be taken at once.
  [[nodiscard]] std::size_t space();
  /// Keeps what there is space for; the number of bytes.
  std::size_t keep(const char* bytes, std::size_t size);
  [[nodiscard]] std::size_t kept() const { return kept_.size(); }
  /// Gives the peer what was kept. False: it takes nothing any more.
  bool flush(const Fd& socket);
  /// Gives the peer what it takes, and keeps what is missing to `least` bytes, for which there must be space. The
  /// number of bytes; -1: it takes nothing any more.
  long give(const Fd& socket, const char* bytes, std::size_t size, std::size_t least);

  /// The bell for room that the peer rings; none before memory was offered.
  [[nodiscard]] const Fd& bell() const { return shared_.room_bell; }
  [[nodiscard]] bool in_ring() const { return switched_; }
  /// Asks to be told when there is room. False: there is some.
  [[nodiscard]] bool ask();
  [[nodiscard]] const Sleeper& sleeper() const { return sleeper_; }
  [[nodiscard]] bool gone() const { return gone_ || ring_.broken(); }
  /// Nothing will follow.
  void finish();

 private:
  long send(const Fd& socket, const char* bytes, std::size_t size);
  long put_in_ring(const Fd& socket, const char* bytes, std::size_t size);
  void make_offer();
  void switch_if_accepted(const Fd& socket);

  std::size_t size_ = 0;
  bool offers_ = false;    ///< the first bytes are still to come, and memory may ride on them
  bool switched_ = false;  ///< everything goes through the ring
  bool gone_ = false;
  std::uint64_t sent_ = 0;  ///< over the stream
  std::size_t unchecked_ = 0;
  Reservoir kept_;
  Shared shared_;
  Fd memory_;
  RingWriter ring_;
  Sleeper sleeper_;
};

}  // namespace xc::vchan
