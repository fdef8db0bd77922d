// One message body on its way from one stream to another: by length, chunked, or until the sender closes (RFC 9112
// section 6.3). Runs in the worker. Never moves a byte that is not part of the body, and never copies when it need not.
#pragma once

#include <cstdint>

#include "mediate/http_head.h"
#include "mediate/stream.h"

namespace xc::mediate::http {

/// How the receiver gets the body.
enum class Form : std::uint8_t {
  same,     ///< framed like the original, every framing line written anew
  plain,    ///< the data alone; the end of the connection is its end
  nowhere,  ///< read and dropped
};

enum class Flow : std::uint8_t { going, complete, broken };

class Body {
 public:
  [[nodiscard]] static Body of_length(std::uint64_t length, Form form) { return {Phase::data, form, length}; }
  [[nodiscard]] static Body of_chunks(Form form) { return {Phase::size, form, 0}; }
  [[nodiscard]] static Body until_end(Form form) { return {Phase::endless, form, 0}; }
  [[nodiscard]] static Body none() { return of_length(0, Form::same); }

  /// Moves what there is and what there is room for. `broken`: what came is not the chunked coding, or the sender
  /// ended too early; nothing more may be moved.
  [[nodiscard]] Flow relay(Stream& from, Stream& to);
  /// Nothing above `bytes` is moved: the chunk that would exceed it breaks the body.
  void limit(std::uint64_t bytes) { limit_ = bytes; }
  /// It broke because of its size.
  [[nodiscard]] bool too_long() const { return too_long_; }
  /// Bytes of data moved so far.
  [[nodiscard]] std::uint64_t moved() const { return moved_; }

 private:
  enum class Phase : std::uint8_t { data, endless, size, chunk, chunk_end, trailers, done };
  Body(Phase phase, Form form, std::uint64_t left) : phase_(phase), form_(form), left_(left) {}

  bool step(Stream& from, Stream& to);
  bool move_data(Stream& from, Stream& to);
  bool begin_chunk(Stream& from, Stream& to);
  bool end_chunk(Stream& from, Stream& to);
  bool end_chunks(Stream& from, Stream& to);
  bool has_room(const Stream& to) const { return form_ == Form::nowhere || to.room() > 0; }

  Phase phase_;
  Form form_;
  bool broken_ = false;
  bool too_long_ = false;
  std::uint64_t left_;
  std::uint64_t moved_ = 0;
  std::uint64_t limit_ = UINT64_MAX;
  HeadFinder trailer_end_{limits::trailer_bytes};
};

}  // namespace xc::mediate::http
