// Indices of a shared ring; pure. See ring.h.
#include "vchan/ring.h"

#include <algorithm>
#include <cstring>

namespace xc::vchan {

void RingEnd::raise(std::uint32_t& flag) {
  std::atomic_ref(flag).store(1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

bool RingEnd::lower(std::uint32_t& flag) {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  std::atomic_ref word(flag);
  return word.load(std::memory_order_relaxed) != 0 && word.exchange(0, std::memory_order_acq_rel) != 0;
}

bool RingEnd::believe(std::uint32_t least, std::uint32_t distance, std::uint32_t most) {
  if (distance < least || distance > most) broken_ = true;
  return !broken_;
}

std::size_t RingWriter::room(std::size_t wanted) {
  if (capacity_ - (head_ - seen_tail_) < std::min<std::size_t>(wanted, capacity_)) {
    const std::uint32_t tail = load(page_->tail);
    if (!believe(0, tail - seen_tail_, head_ - seen_tail_)) return 0;
    seen_tail_ = tail;
  }
  return broken_ ? 0 : capacity_ - (head_ - seen_tail_);
}

std::size_t RingWriter::write(const char* bytes, std::size_t size) {
  size = std::min(size, room(size));
  const std::uint32_t at = head_ & (capacity_ - 1);
  const std::size_t first = std::min<std::size_t>(size, capacity_ - at);
  std::memcpy(data_ + at, bytes, first);
  std::memcpy(data_, bytes + first, size - first);
  head_ += static_cast<std::uint32_t>(size);
  store(page_->head, head_);
  return size;
}

void RingWriter::switch_over(std::uint64_t bytes_before) {
  std::atomic_ref(page_->switch_at).store(bytes_before, std::memory_order_relaxed);
  store(page_->switched, 1);
}

std::size_t RingReader::filled(std::size_t wanted) {
  if (seen_head_ - tail_ < std::min<std::size_t>(wanted, capacity_)) {
    const std::uint32_t head = load(page_->head);
    if (!believe(seen_head_ - tail_, head - tail_, capacity_)) return 0;
    seen_head_ = head;
  }
  return broken_ ? 0 : seen_head_ - tail_;
}

std::size_t RingReader::read(char* bytes, std::size_t size) {
  size = std::min(size, filled(size));
  const std::uint32_t at = tail_ & (capacity_ - 1);
  const std::size_t first = std::min<std::size_t>(size, capacity_ - at);
  std::memcpy(bytes, data_ + at, first);
  std::memcpy(bytes + first, data_, size - first);
  tail_ += static_cast<std::uint32_t>(size);
  store(page_->tail, tail_);
  return size;
}

/// Waking a writer for every few bytes would cost more than they are worth.
bool RingReader::must_wake() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (std::atomic_ref(page_->writer_waits).load(std::memory_order_relaxed) == 0) return false;
  return capacity_ - filled(capacity_) >= capacity_ / 4 && lower(page_->writer_waits);
}

bool RingReader::takes_over(std::uint64_t received) {
  if (took_over_ || load(page_->switched) != 1) return took_over_;
  const std::uint64_t at = std::atomic_ref(page_->switch_at).load(std::memory_order_relaxed);
  if (at < received) broken_ = true;
  took_over_ = at == received && !broken_;
  return took_over_;
}

}  // namespace xc::vchan
