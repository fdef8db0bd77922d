// One direction of a channel in memory shared by two processes that need not trust each other. Pure: no system call,
// the memory comes from the caller. Every index of the other side is hostile: it is loaded once, checked against our
// own capacity, and one that cannot be true breaks the ring for good.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace xc::vchan {

inline constexpr std::size_t ring_head = 4096;  ///< bytes in front of the data
inline constexpr std::uint32_t least_ring = 4096;
inline constexpr std::uint32_t most_ring = 1U << 30U;

/// What lies in front of the data. A side writes its own half alone; waiting flags are set by the sleeper and cleared
/// by whoever wakes it. Indices count bytes modulo 2^32.
struct RingPage {
  char magic[8];
  alignas(64) std::uint32_t head;  ///< writer's: bytes written
  std::uint32_t switched;          ///< writer's: 1 once `switch_at` holds
  std::uint64_t switch_at;         ///< writer's: bytes that went over the stream before the first one here
  std::uint32_t finished;          ///< writer's: it has closed, nothing will follow
  alignas(64) std::uint32_t tail;  ///< reader's: bytes read
  std::uint32_t accepted;          ///< reader's: it reads here, the writer may switch
  std::uint32_t left;              ///< reader's: it has closed
  alignas(64) std::uint32_t reader_waits;
  alignas(64) std::uint32_t writer_waits;
};
static_assert(sizeof(RingPage) <= ring_head);

inline constexpr char ring_magic[8] = {'x', 'c', 'v', 'r', 'i', 'n', 'g', '1'};

/// Whether memory of `size` bytes can be a ring: the page and a power of two within the limits.
[[nodiscard]] constexpr bool is_ring_size(std::uint64_t size) {
  const std::uint64_t capacity = size - ring_head;
  return size > ring_head && capacity >= least_ring && capacity <= most_ring && (capacity & (capacity - 1)) == 0;
}

/// What both ends share in code: where the memory is, and whether the other side has lied.
class RingEnd {
 public:
  RingEnd() = default;
  /// `memory` holds a ring of `size` bytes (is_ring_size) and outlives the end.
  RingEnd(void* memory, std::size_t size)
      : page_(static_cast<RingPage*>(memory)),
        data_(static_cast<char*>(memory) + ring_head),
        capacity_(static_cast<std::uint32_t>(size - ring_head)) {}

  [[nodiscard]] explicit operator bool() const { return page_ != nullptr; }
  [[nodiscard]] bool broken() const { return broken_; }
  [[nodiscard]] std::uint32_t capacity() const { return capacity_; }

 protected:
  static std::uint32_t load(std::uint32_t& word) { return std::atomic_ref(word).load(std::memory_order_acquire); }
  static void store(std::uint32_t& word, std::uint32_t value) {
    std::atomic_ref(word).store(value, std::memory_order_release);
  }
  /// Sets a waiting flag; what the caller looks at afterwards is newer than the flag.
  static void raise(std::uint32_t& flag);
  /// Clears the flag of a sleeper; true when it was set. What we wrote before is visible to it.
  static bool lower(std::uint32_t& flag);
  /// Whether a distance that the other side had a part in can be true; otherwise the ring is broken. An index only
  /// grows.
  [[nodiscard]] bool believe(std::uint32_t least, std::uint32_t distance, std::uint32_t most);

  RingPage* page_ = nullptr;
  char* data_ = nullptr;
  std::uint32_t capacity_ = 0;
  bool broken_ = false;
};

class RingWriter : public RingEnd {
 public:
  using RingEnd::RingEnd;
  /// Bytes that can be written; looks at the reader's index only when fewer than `wanted` are known to be free.
  [[nodiscard]] std::size_t room(std::size_t wanted);
  /// Writes what there is room for, and says how much that was.
  std::size_t write(const char* bytes, std::size_t size);
  /// Whether the reader sleeps; asked after every write, it must be woken then.
  [[nodiscard]] bool must_wake() { return lower(page_->reader_waits); }
  /// The reader will wake us when a quarter is free or more. Look at room() once more before sleeping.
  void ask_for_room() { raise(page_->writer_waits); }
  [[nodiscard]] bool accepted() { return load(page_->accepted) == 1; }
  [[nodiscard]] bool abandoned() { return load(page_->left) != 0; }
  void switch_over(std::uint64_t bytes_before);
  void finish() { store(page_->finished, 1); }

 private:
  std::uint32_t head_ = 0;
  std::uint32_t seen_tail_ = 0;
};

class RingReader : public RingEnd {
 public:
  using RingEnd::RingEnd;
  [[nodiscard]] std::size_t filled(std::size_t wanted);
  std::size_t read(char* bytes, std::size_t size);
  [[nodiscard]] bool must_wake();
  /// A glance without a check: something may have come.
  [[nodiscard]] bool stirred() { return load(page_->head) != tail_ || finished(); }
  void ask_for_data() { raise(page_->reader_waits); }
  void accept() { store(page_->accepted, 1); }
  void leave() { store(page_->left, 1); }
  [[nodiscard]] bool finished() { return load(page_->finished) != 0; }
  /// Whether the bytes after the first `received` of the stream come through here. A writer that says it switched
  /// earlier than it did breaks the ring.
  [[nodiscard]] bool takes_over(std::uint64_t received);

 private:
  std::uint32_t tail_ = 0;
  std::uint32_t seen_head_ = 0;
  bool took_over_ = false;
};

}  // namespace xc::vchan
