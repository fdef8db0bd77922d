// One direction of a Wayland connection: whole messages in order, and the queue of descriptors beside them. Pure; runs
// in the worker. Must never pass half a message, nor a descriptor later than its message.
//
// Descriptors are a queue of their own: each message takes as many from its front as its signature says, whenever they
// came (libwayland sends up to 28 with the first bytes of a flush). They may come early, never late.
#pragma once

#include <deque>
#include <optional>

#include "base/result.h"
#include "mediate/stream.h"
#include "mediate/wl_session.h"

namespace xc::mediate::wl {

class Flow {
 public:
  /// Descriptors that leave with one sendmsg(2): libwayland has room for no more and loses the others.
  static constexpr std::size_t most_together = 28;
  /// Descriptors that may wait for their messages; libwayland itself has at most 28 on the way.
  static constexpr std::size_t most_unclaimed = 64;
  /// Descriptors that wait to be sent, or to be read, before this direction rests.
  static constexpr std::size_t most_queued = 4 * most_together;

  /// The front message, when it is there as a whole; what came before must be disposed of. Also takes descriptors over.
  struct Message {
    Header header;
    std::string_view body;
    bool sane = true;  ///< false: the header itself is impossible, and nothing behind it can be read
  };
  [[nodiscard]] std::optional<Message> next(Stream& from);

  /// Nothing more can be queued: `room` bytes are left at the other side.
  [[nodiscard]] bool congested(const Stream& to, std::size_t room) const;

  /// Does with the front message what the verdict says (not for deny). Bytes that pass unchanged are moved together.
  void carry_out(const Verdict& verdict, const Header& header, Stream& from, Stream& to);
  /// Moves what passes and has not been moved yet.
  void flush(Stream& from, Stream& to);

  [[nodiscard]] std::size_t waiting() const { return queue_.size(); }
  /// The descriptor that the next message to claim one gets; there must be one.
  [[nodiscard]] int front() const { return queue_.front().get(); }
  [[nodiscard]] std::uint64_t descriptors() const { return passed_; }
  /// The connection ends: bytes and descriptors are dropped.
  void discard(Stream& from);

 private:
  std::deque<Fd> queue_;
  std::size_t run_ = 0;  ///< bytes at the front of the stream that pass unchanged
  std::uint64_t passed_ = 0;
};

}  // namespace xc::mediate::wl
