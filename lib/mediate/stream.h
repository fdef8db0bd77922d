// One direction of a connection as a mediator sees it: bytes, with descriptors pinned to byte offsets, and an end.
// No socket, no system call: the session (shim/session) fills and drains it.
//
// Capacity is the back-pressure bound: the session stops reading when room() is 0, and a mediator stops moving bytes
// into a stream without room. append() itself never refuses, so that a short answer of our own always fits.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"

namespace xc::mediate {

/// Descriptors that arrived (or shall leave) with the byte at `offset`, counted from the stream's first byte.
/// They are never delivered after that byte.
struct Pin {
  std::uint64_t offset = 0;
  std::vector<Fd> descriptors;
  /// Just after the last byte that was read together with them. Whose they are may be any byte up to here: the kernel
  /// glues what was sent before without descriptors to the front, and never anything to the back (unix(7)).
  std::uint64_t end = 0;
};

class Stream {
 public:
  /// What most programs write at once, and a head of it: a request with 64 KiB goes in one piece.
  static constexpr std::size_t default_capacity = 68 * 1024;

  explicit Stream(std::size_t capacity = default_capacity) : capacity_(capacity) {}

  /// Bytes waiting, oldest first; valid until the next call that is not const.
  [[nodiscard]] std::string_view data() const { return std::string_view(buffer_).substr(head_); }
  [[nodiscard]] bool empty() const { return head_ == buffer_.size(); }
  /// How many bytes may still be added before the reader must drain; 0 when full, or when too many descriptors wait.
  [[nodiscard]] std::size_t room() const;
  /// Offset of the first byte of data() since the stream began.
  [[nodiscard]] std::uint64_t position() const { return position_; }
  /// Offset of the next byte to come.
  [[nodiscard]] std::uint64_t end_position() const { return position_ + data().size(); }

  /// No room while that many descriptors or more wait here: for a mediator that takes them over as soon as it can go
  /// on.
  void hold_at_most(std::size_t descriptors) { most_descriptors_ = descriptors; }

  void append(std::string_view bytes);
  /// Adds up to `limit` bytes in place: `fill(char*, size)` writes at most that many and returns how many it wrote.
  template <class Fill>
  std::size_t fill(std::size_t limit, Fill&& fill);
  /// Gives the buffer's memory back while nothing waits; the next byte allocates again.
  void rest();
  /// Drops the first `count` bytes (at most all) and closes descriptors pinned to them.
  void consume(std::size_t count);
  /// Moves the first `count` bytes of `from` here, with the descriptors pinned to them.
  void take(Stream& from, std::size_t count);

  /// Pins descriptors to the byte `ahead` bytes after the last one appended so far (0 = the next to come).
  void pin(std::vector<Fd> descriptors, std::size_t ahead = 0);
  /// Pins descriptors to the byte at `offset`, counted like position(); never before one that is pinned already.
  void pin_at(std::uint64_t offset, std::vector<Fd> descriptors);
  /// Descriptors waiting, oldest first.
  [[nodiscard]] std::deque<Pin>& pins() { return pins_; }
  [[nodiscard]] const std::deque<Pin>& pins() const { return pins_; }
  /// Descriptors pinned to the first `count` bytes of data(), in order, taken out of the stream.
  [[nodiscard]] std::vector<Fd> take_descriptors(std::size_t count);

  /// No byte will be added any more. Bytes that wait are still delivered first.
  void end() { ended_ = true; }
  [[nodiscard]] bool ended() const { return ended_; }
  /// Ended, and nothing waits.
  [[nodiscard]] bool finished() const { return ended_ && empty(); }

 private:
  /// Kept free in front of bytes that come in, so that a new head fits before a body without moving it.
  static constexpr std::size_t headroom = 256;

  void compact();
  void clear();

  std::string buffer_;
  std::size_t head_ = 0;
  std::size_t capacity_;
  std::size_t most_descriptors_ = SIZE_MAX;
  std::uint64_t position_ = 0;
  std::deque<Pin> pins_;
  bool ended_ = false;
};

template <class Fill>
std::size_t Stream::fill(std::size_t limit, Fill&& fill) {
  compact();
  if (buffer_.empty()) head_ = headroom;
  const std::size_t before = std::max(buffer_.size(), head_);
  std::size_t added = 0;
  buffer_.resize_and_overwrite(before + limit, [&](char* bytes, std::size_t) {  // no zeroing of what is to be written
    added = fill(bytes + before, limit);
    return before + added;
  });
  if (empty()) clear();
  return added;
}

/// The four streams of one connection. `from_*` are read by the mediator, `to_*` written.
struct Wire {
  Stream& from_client;
  Stream& to_server;
  Stream& from_server;
  Stream& to_client;
};

}  // namespace xc::mediate
