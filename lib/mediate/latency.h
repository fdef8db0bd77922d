// How long answers took, as a histogram of plain numbers that a monitor may read while a worker writes. Pure.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace xc::mediate {

/// Four steps an octave: a figure read from it is at most 25 % too high. Microseconds, up to 67 seconds.
struct Latency {
  static constexpr std::size_t places = 104;
  std::array<std::uint32_t, places> counts{};

  void add(std::uint64_t microseconds) { ++counts[place_of(microseconds)]; }
  Latency& operator+=(const Latency& other) {
    for (std::size_t i = 0; i < places; ++i) counts[i] += other.counts[i];
    return *this;
  }

  [[nodiscard]] static constexpr std::size_t place_of(std::uint64_t microseconds) {
    if (microseconds < 4) return static_cast<std::size_t>(microseconds);
    const auto octave = static_cast<std::size_t>(std::bit_width(microseconds)) - 1;
    const auto quarter = static_cast<std::size_t>((microseconds >> (octave - 2)) & 3U);
    return std::min((octave - 1) * 4 + quarter, places - 1);
  }
  /// The longest time that is counted at this place (the last one has no end).
  [[nodiscard]] static constexpr std::uint64_t longest_at(std::size_t place) {
    if (place < 4) return place;
    const std::size_t octave = place / 4 + 1;
    return ((std::uint64_t{4} + place % 4 + 1) << (octave - 2)) - 1;
  }
};

}  // namespace xc::mediate
