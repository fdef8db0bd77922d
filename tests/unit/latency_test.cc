#include "mediate/latency.h"

#include <gtest/gtest.h>

namespace xc::mediate {
namespace {

TEST(Latency, CountsEveryTimeAtAPlaceThatIsAtMostAQuarterTooLong) {
  std::uint64_t last = 0;
  for (std::uint64_t time = 0; time < 60'000'000; time += 1 + time / 97) {
    const std::size_t place = Latency::place_of(time);
    ASSERT_LT(place, Latency::places);
    ASSERT_GE(Latency::longest_at(place), time) << time;
    ASSERT_LE(Latency::longest_at(place), time + time / 4 + 1) << time;
    ASSERT_GE(place, last);
    last = place;
  }
}

TEST(Latency, KeepsWhatLastsForeverAtItsLastPlace) {
  Latency latency;
  latency.add(UINT64_MAX);
  EXPECT_EQ(latency.counts.back(), 1U);
}

TEST(Latency, AddsUp) {
  Latency one;
  Latency other;
  one.add(5);
  other.add(5);
  other.add(7);
  one += other;
  EXPECT_EQ(one.counts[Latency::place_of(5)], 2U);
  EXPECT_EQ(one.counts[Latency::place_of(7)], 1U);
}

}  // namespace
}  // namespace xc::mediate
