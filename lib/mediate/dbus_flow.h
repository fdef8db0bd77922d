// One direction of a D-Bus connection, cut into messages: the header and as much of the body as a judgement needs are
// waited for, the rest of the body is streamed, so that a message of any size costs a stream's buffer and no more.
//
// Descriptors belong to the message whose first byte arrived with them (libdbus, sd-bus, GDBus send them so); the
// kernel may glue bytes in front of them that came without. Those no message can claim end the connection.
// Pure; runs in the worker. Must never put a byte of ours into the middle of a message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "mediate/dbus_message.h"
#include "mediate/stream.h"
#include "model/service.h"

namespace xc::mediate::dbus {

/// A message as it is judged. The views last until the flow is told what to do with it.
struct Message {
  Header header;
  std::string_view
      body;  ///< its first bytes: as many as were asked for (more would make the judgement a matter of timing)
};

class Flow {
 public:
  /// A body that has to be held as a whole is at most this long; the reply of ListNames on a crowded bus is the
  /// longest.
  static constexpr std::size_t max_held = 1024U * 1024;
  /// Bytes of ours that may wait for the end of a message.
  static constexpr std::size_t max_late = 64U * 1024;
  /// Descriptors that may wait before a side is read no further: more than the kernel lets one message have.
  static constexpr std::size_t most_arrived = model::most_descriptors + 1;
  /// Descriptors that may wait for a side to read.
  static constexpr std::size_t most_leaving = 64;

  /// The next message, or nothing until more bytes or room are there. Moves the body of the one before.
  /// `wanted(header)` says how many bytes of the body the judge needs. The same message comes again until it is
  /// disposed of. While `blocked` no message comes; the body before it still moves.
  template <class Wanted>
  [[nodiscard]] Result<std::optional<Message>> next(Stream& from, Stream& to, bool blocked, const Wanted& wanted);

  /// Passes the message, whose header was `was`, with another one; its body and its descriptors follow.
  [[nodiscard]] Result<> pass(Stream& from, Stream& to, const Header& was, std::string_view header);
  /// Passes `whole` in place of the message (no descriptor), or nothing when it is empty.
  [[nodiscard]] Result<> replace(Stream& from, Stream& to, const Header& was, std::string_view whole);
  /// Sends a message of our own in this direction, between two others.
  void send(Stream& to, std::string_view whole);
  /// What send() was given waits, as much as may.
  [[nodiscard]] bool congested() const { return late_.size() >= max_late; }
  /// next() gave nothing because more bytes have to come.
  [[nodiscard]] bool starved() const { return starved_; }
  /// A message has begun that is not complete.
  [[nodiscard]] bool inside() const { return begun_ || extent_ || body_left_ > 0; }

  /// Descriptors passed so far.
  [[nodiscard]] std::uint64_t descriptors() const { return passed_descriptors_; }

 private:
  [[nodiscard]] Result<> move_body(Stream& from, Stream& to);
  [[nodiscard]] Result<bool> front(Stream& from);
  void want(std::size_t body);
  [[nodiscard]] Result<bool> enough(Stream& from);
  [[nodiscard]] Result<std::optional<Message>> wait(const Stream& from) const;
  [[nodiscard]] Message view(const Stream& from, const Header& header) const;
  void collect(Stream& from, std::uint64_t end);
  [[nodiscard]] Result<std::vector<Fd>> claim(Stream& from, std::uint32_t announced);
  void step_over(Stream& from, bool passing);
  void finish(Stream& to);

  bool begun_ = false;            // a message of which not even that much is here
  std::optional<Extent> extent_;  // of the message at the front
  std::size_t wanted_ = 0;        // bytes of it that must be there
  std::uint64_t start_ = 0;       // its offset in the stream
  std::string held_;              // it, when it does not fit the stream
  std::uint64_t body_left_ = 0;   // of the message before
  bool passing_ = false;          // it; otherwise it is dropped
  std::deque<Pin> loose_;         // descriptors that arrived and belong to no message yet
  std::string late_;
  std::uint64_t passed_descriptors_ = 0;
  bool starved_ = true;
};

template <class Wanted>
Result<std::optional<Message>> Flow::next(Stream& from, Stream& to, bool blocked, const Wanted& wanted) {
  XC_CHECK(move_body(from, to));
  if (body_left_ > 0) return std::nullopt;
  starved_ = from.empty() && held_.empty();
  if (blocked || congested() || to.room() == 0) return std::nullopt;
  starved_ = true;
  if (!XC_TRY(front(from))) return wait(from);
  std::optional<Header> header;
  if (held_.empty()) {
    header = XC_TRY(parse_header(from.data().substr(0, extent_->header)));
    want(std::min<std::size_t>(wanted(*header), header->body_size));
  }
  if (!XC_TRY(enough(from))) return wait(from);
  starved_ = false;
  if (!held_.empty()) header = XC_TRY(parse_header(std::string_view(held_).substr(0, extent_->header)));
  return view(from, *header);
}

}  // namespace xc::mediate::dbus
