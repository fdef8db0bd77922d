#include "mediate/http_body.h"

#include <algorithm>

#include "mediate/http_chunk.h"

namespace xc::mediate::http {

Flow Body::relay(Stream& from, Stream& to) {
  while (phase_ != Phase::done && !broken_ && step(from, to)) {
  }
  if (broken_) return Flow::broken;
  if (phase_ == Phase::done) return Flow::complete;
  if (!from.ended() || !(from.empty() || has_room(to))) return Flow::going;
  if (phase_ == Phase::endless) {
    phase_ = Phase::done;
    return Flow::complete;
  }
  return Flow::broken;
}

/// One step of the machine; false when it must wait for bytes or for room.
bool Body::step(Stream& from, Stream& to) {
  switch (phase_) {
    case Phase::data:
    case Phase::endless:
    case Phase::chunk: return move_data(from, to);
    case Phase::size: return begin_chunk(from, to);
    case Phase::chunk_end: return end_chunk(from, to);
    case Phase::trailers: return end_chunks(from, to);
    case Phase::done: return false;
  }
  return false;
}

bool Body::move_data(Stream& from, Stream& to) {
  std::size_t count = from.data().size();
  if (phase_ != Phase::endless) count = static_cast<std::size_t>(std::min<std::uint64_t>(count, left_));
  if (form_ == Form::nowhere) {
    from.consume(count);
  } else {
    count = std::min(count, to.room());
    to.take(from, count);
  }
  moved_ += count;
  if (phase_ == Phase::endless) return false;
  left_ -= count;
  if (left_ > 0) return false;
  phase_ = phase_ == Phase::chunk ? Phase::chunk_end : Phase::done;
  return true;
}

bool Body::begin_chunk(Stream& from, Stream& to) {
  if (!has_room(to)) return false;
  const ChunkLine line = parse_chunk_line(from.data());
  broken_ = line.state == ChunkLine::State::bad;
  if (line.state != ChunkLine::State::good) return false;
  broken_ = too_long_ = line.size > limit_ - moved_;
  if (broken_) return false;
  from.consume(line.length);
  left_ = line.size;
  phase_ = line.size == 0 ? Phase::trailers : Phase::chunk;
  if (form_ == Form::same && line.size > 0) to.append(chunk_line(line.size));
  return true;
}

bool Body::end_chunk(Stream& from, Stream& to) {
  constexpr std::string_view line_end = "\r\n";
  const std::string_view found = from.data().substr(0, line_end.size());
  broken_ = !line_end.starts_with(found);
  if (found != line_end) return false;
  from.consume(line_end.size());
  if (form_ == Form::same) to.append(line_end);
  phase_ = Phase::size;
  return true;
}

bool Body::end_chunks(Stream& from, Stream& to) {
  const auto end = trailer_end_.find(from.data());
  broken_ = !end;
  if (!end || *end == 0) return false;
  Fields trailers;
  broken_ = parse_fields(from.data().substr(0, *end), trailers).has_value();
  if (broken_) return false;
  if (form_ == Form::same) to.append("0\r\n" + passing_trailers(trailers) + "\r\n");
  from.consume(*end);
  phase_ = Phase::done;
  return true;
}

}  // namespace xc::mediate::http
