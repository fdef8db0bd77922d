// The ring between two processes that do not trust each other, both ends in one process here.
#include "vchan/ring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

namespace xc::vchan {
namespace {

/// Zeroed memory of a ring.
class Memory {
 public:
  explicit Memory(std::uint32_t capacity = least_ring)
      : size_(ring_head + capacity), bytes_(static_cast<char*>(std::aligned_alloc(4096, size_)), &std::free) {
    std::memset(bytes_.get(), 0, size_);
  }
  [[nodiscard]] RingWriter writer() const { return {bytes_.get(), size_}; }
  [[nodiscard]] RingReader reader() const { return {bytes_.get(), size_}; }
  [[nodiscard]] RingPage& page() const { return *static_cast<RingPage*>(static_cast<void*>(bytes_.get())); }

 private:
  std::size_t size_;
  std::unique_ptr<char, decltype(&std::free)> bytes_;
};

std::string taken(RingReader& reader, std::size_t size) {
  std::string bytes(size, '\0');
  bytes.resize(reader.read(bytes.data(), size));
  return bytes;
}

TEST(Ring, GivesBackWhatWasPutInAroundItsEnd) {
  const Memory memory;
  auto writer = memory.writer();
  auto reader = memory.reader();
  for (std::size_t i = 0; i < 1000; ++i) {
    const std::string piece(i * 37 % 900 + 1, static_cast<char>('a' + i % 26));
    ASSERT_EQ(writer.write(piece.data(), piece.size()), piece.size());
    ASSERT_EQ(taken(reader, 4096), piece);
  }
}

TEST(Ring, GoesOnWhenItsIndicesOverflow) {
  const Memory memory(1U << 20U);
  auto writer = memory.writer();
  auto reader = memory.reader();
  std::string piece(1'000'003, 'x');
  for (std::uint64_t total = 0; total < (1ULL << 32U) + 5 * piece.size(); total += piece.size()) {
    ASSERT_EQ(writer.write(piece.data(), piece.size()), piece.size());
    ASSERT_EQ(reader.read(piece.data(), piece.size()), piece.size());
  }
  EXPECT_EQ(piece, std::string(piece.size(), 'x'));
  EXPECT_FALSE(writer.broken() || reader.broken());
}

TEST(Ring, TakesNoMoreThanThereIsRoomFor) {
  const Memory memory;
  auto writer = memory.writer();
  auto reader = memory.reader();
  const std::string bytes(5000, 'x');
  EXPECT_EQ(writer.room(1), 4096U);
  EXPECT_EQ(writer.write(bytes.data(), bytes.size()), 4096U);
  EXPECT_EQ(writer.write(bytes.data(), 1), 0U);
  EXPECT_EQ(reader.filled(1), 4096U);
  EXPECT_EQ(taken(reader, 10).size(), 10U);
  EXPECT_EQ(writer.write(bytes.data(), bytes.size()), 10U);
}

TEST(Ring, AHeadFurtherAwayThanTheRingIsLargeBreaksItForGood) {
  for (const std::uint32_t lie : {4097U, 0x80000000U, 0xffffffffU}) {
    const Memory memory;
    auto reader = memory.reader();
    memory.page().head = lie;
    EXPECT_EQ(taken(reader, 5000), "") << lie;
    EXPECT_TRUE(reader.broken());
    memory.page().head = 10;
    EXPECT_EQ(taken(reader, 5000), "") << "after " << lie;
  }
}

TEST(Ring, ATailThatOvertakesOrFallsBehindBreaksItForGood) {
  for (const std::uint32_t lie : {101U, 0x80000000U, 0xffff0000U}) {
    const Memory memory;
    auto writer = memory.writer();
    ASSERT_EQ(writer.write(std::string(100, 'x').data(), 100), 100U);
    memory.page().tail = lie;
    EXPECT_EQ(writer.room(4096), 0U) << lie;
    EXPECT_TRUE(writer.broken());
    memory.page().tail = 0;
    EXPECT_EQ(writer.write("x", 1), 0U);
  }
}

TEST(Ring, AnIndexThatGoesBackBreaksIt) {
  const Memory memory;
  auto writer = memory.writer();
  auto reader = memory.reader();
  (void)writer.write(std::string(100, 'x').data(), 100);
  EXPECT_EQ(reader.filled(200), 100U);
  memory.page().head = 50;
  EXPECT_EQ(reader.filled(200), 0U);
  EXPECT_TRUE(reader.broken());
  memory.page().tail = 80;
  EXPECT_EQ(writer.room(4096), 4096U - 20);
  memory.page().tail = 79;
  EXPECT_EQ(writer.room(4096), 0U);
  EXPECT_TRUE(writer.broken());
}

TEST(Ring, NeverAsksTheMemoryHowLargeItIs) {
  const Memory memory;
  auto writer = memory.writer();
  auto reader = memory.reader();
  std::memset(&memory.page(), 0xff, sizeof(RingPage));
  EXPECT_EQ(writer.capacity(), 4096U);
  EXPECT_EQ(reader.filled(1), 0U);
  EXPECT_EQ(writer.write("x", 1), 1U);  // what it knows of the reader still suffices
  EXPECT_EQ(writer.room(4096), 0U);
}

TEST(Ring, OnlyASleeperIsWokenAndOnlyOnce) {
  const Memory memory;
  auto writer = memory.writer();
  auto reader = memory.reader();
  (void)writer.write("x", 1);
  EXPECT_FALSE(writer.must_wake());
  reader.ask_for_data();
  EXPECT_TRUE(writer.must_wake());
  EXPECT_FALSE(writer.must_wake());
}

TEST(Ring, AWriterIsWokenWhenAQuarterIsFree) {
  const Memory memory;
  auto writer = memory.writer();
  auto reader = memory.reader();
  (void)writer.write(std::string(4096, 'x').data(), 4096);
  writer.ask_for_room();
  (void)taken(reader, 1023);
  EXPECT_FALSE(reader.must_wake());
  (void)taken(reader, 1);
  EXPECT_TRUE(reader.must_wake());
  EXPECT_FALSE(reader.must_wake());
}

TEST(Ring, TakesOverWhenTheStreamHasGivenEverythingInFront) {
  const Memory memory;
  auto writer = memory.writer();
  auto reader = memory.reader();
  EXPECT_FALSE(reader.takes_over(10));
  writer.switch_over(30);
  EXPECT_FALSE(reader.takes_over(10));
  EXPECT_FALSE(reader.broken());
  EXPECT_TRUE(reader.takes_over(30));
  memory.page().switch_at = 1000;
  EXPECT_TRUE(reader.takes_over(30)) << "what holds cannot be taken back";
}

TEST(Ring, ASwitchInThePastBreaksIt) {
  const Memory memory;
  auto writer = memory.writer();
  auto reader = memory.reader();
  writer.switch_over(5);
  EXPECT_FALSE(reader.takes_over(6));
  EXPECT_TRUE(reader.broken());
}

TEST(Ring, IsAPageAndAPowerOfTwo) {
  for (const std::uint64_t size : {4096U + 4096U, 4096U + 8192U, 4096U + (1U << 20U), 4096U + (1U << 30U)})
    EXPECT_TRUE(is_ring_size(size)) << size;
  for (const std::uint64_t size :
       {0ULL, 1ULL, 4096ULL, 4097ULL, 4096ULL + 2048, 4096ULL + 4097, 4096ULL + 12288, 4096 + (1ULL << 31U), ~0ULL})
    EXPECT_FALSE(is_ring_size(size)) << size;
}

}  // namespace
}  // namespace xc::vchan
