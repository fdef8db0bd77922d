// The memory of one direction and its two bells, made here or taken from a peer that is not trusted. Runs in the
// program that uses the library. Never touches memory that the peer could take away, never waits for a bell.
#pragma once

#include <cstddef>

#include "base/fd.h"

namespace xc::vchan {

inline constexpr int offered_descriptors = 3;
/// Bytes of a peer's ring that are taken from anybody. Its pages are charged to whoever touches them first, and that is
/// the reader where a hostile peer has written none.
inline constexpr std::size_t most_offered = std::size_t{16} << 20U;

/// A mapping with an owner.
class Mapping {
 public:
  Mapping() = default;
  Mapping(void* memory, std::size_t size) : memory_(memory), size_(size) {}
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  Mapping(Mapping&& other) noexcept;
  Mapping& operator=(Mapping&& other) noexcept;
  ~Mapping() { reset(); }

  [[nodiscard]] void* get() const { return memory_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  void reset();

 private:
  void* memory_ = nullptr;
  std::size_t size_ = 0;
};

/// What the two processes share for one direction.
struct Shared {
  Mapping memory;  ///< of is_ring_size() bytes
  Fd data_bell;    ///< eventfds: the writer rings when there is data,
  Fd room_bell;    ///< the reader when there is room
};

/// A new one for `capacity` bytes, and the memory's descriptor for the offer. False: none is to be had.
[[nodiscard]] bool make_shared(std::size_t capacity, Shared& shared, Fd& memory);

/// One that the peer sent: its size cannot change any more and is a ring for at most `most` bytes, it is memory and
/// nothing else, and so are the bells bells. False: it is something else; then it is not used.
[[nodiscard]] bool take_shared(Fd (&descriptors)[offered_descriptors], std::size_t most, Shared& shared);

/// Wakes whoever sleeps on the bell. False: the bell is jammed, which only a hostile peer can do.
[[nodiscard]] bool ring_bell(const Fd& bell);

}  // namespace xc::vchan
