#include "mediate/stream.h"

#include <algorithm>

namespace xc::mediate {

std::size_t Stream::room() const {
  std::size_t descriptors = 0;
  for (const Pin& pin : pins_) descriptors += pin.descriptors.size();
  if (descriptors >= most_descriptors_) return 0;
  const std::size_t used = buffer_.size() - head_;
  return used >= capacity_ ? 0 : capacity_ - used;
}

void Stream::append(std::string_view bytes) {
  compact();
  buffer_ += bytes;
}

void Stream::consume(std::size_t count) {
  count = std::min(count, buffer_.size() - head_);
  (void)take_descriptors(count);  // closed here
  head_ += count;
  position_ += count;
  if (empty()) clear();
}

void Stream::take(Stream& from, std::size_t count) {
  count = std::min(count, from.data().size());
  if (count == 0) return;
  const std::uint64_t start = end_position();
  while (!from.pins_.empty() && from.pins_.front().offset < from.position_ + count) {
    Pin& pin = from.pins_.front();
    const std::uint64_t offset = start + (pin.offset - from.position_);
    pins_.push_back({offset, std::move(pin.descriptors), offset + (pin.end - pin.offset)});
    from.pins_.pop_front();
  }
  if (const auto waiting = data(); waiting.size() <= from.head_ && count == from.data().size() && count > 256) {
    from.head_ -= waiting.size();  // the whole buffer changes hands, only what waits here is copied
    from.buffer_.replace(from.head_, waiting.size(), waiting);
    std::swap(buffer_, from.buffer_);
    std::swap(head_, from.head_);
    from.clear();
    from.position_ += count;
    return;
  }
  append(from.data().substr(0, count));
  from.consume(count);
}

void Stream::pin(std::vector<Fd> descriptors, std::size_t ahead) {
  pin_at(end_position() + ahead, std::move(descriptors));
}

void Stream::pin_at(std::uint64_t offset, std::vector<Fd> descriptors) {
  if (!descriptors.empty()) pins_.push_back({offset, std::move(descriptors), std::max(offset + 1, end_position())});
}

std::vector<Fd> Stream::take_descriptors(std::size_t count) {
  std::vector<Fd> taken;
  while (!pins_.empty() && pins_.front().offset < position_ + count) {
    for (auto& descriptor : pins_.front().descriptors) taken.push_back(std::move(descriptor));
    pins_.pop_front();
  }
  return taken;
}

void Stream::rest() {
  if (empty() && buffer_.capacity() > 64) buffer_ = {};
}

void Stream::compact() {
  if (head_ <= headroom) return;
  buffer_.erase(0, head_ - headroom);
  head_ = headroom;
}

void Stream::clear() {
  buffer_.clear();
  head_ = 0;
}

}  // namespace xc::mediate
