// What waits in a Unix stream socket, learnt without taking it: how many bytes carry no descriptors, and where the
// record begins that does. A reader that knows can take the bytes by any means and never meets a descriptor early, late
// or not at all. Runs in the worker.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"

namespace xc::sys {

/// What a reader of the socket finds next.
enum class Next : std::uint8_t {
  nothing,  ///< not now
  end,      ///< the peer has ended its side, or is gone
  urgent,   ///< the byte sent with MSG_OOB is the next one
  stale,    ///< the place of an urgent byte that was read; reading on (not looking) removes it
  plain,    ///< bytes that carry no descriptors
  record,   ///< bytes of one record; if it has descriptors, they belong to the first of them
};

struct Ahead {
  Next next = Next::nothing;
  std::size_t size = 0;  ///< bytes (plain, record) that may be taken at once, by recvmsg(2) or splice(2)
};

class Lookout {
 public:
  /// Tries on a pair of sockets how this kernel answers; an error when it cannot be asked for the start of a record.
  [[nodiscard]] static Result<Lookout> create();

  /// Looks at `socket` (a connected, non-blocking stream). Nobody else may read from it until the bytes were taken.
  /// `room` is scratch memory; with descriptors ahead no more than its size is promised.
  [[nodiscard]] Result<Ahead> look(int socket, std::span<char> room) const;

 private:
  bool far_sighted_ = false;  ///< a look at one byte also reports descriptors of the records behind it
};

}  // namespace xc::sys
