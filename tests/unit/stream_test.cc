#include "mediate/stream.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace xc::mediate {
namespace {

std::vector<Fd> one_descriptor() {
  std::vector<Fd> descriptors;
  descriptors.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return descriptors;
}

bool is_open(int number) {
  return ::fcntl(number, F_GETFD) >= 0;
}

TEST(Stream, KeepsBytesInOrderThroughPartialReads) {
  Stream stream;
  stream.append("hello ");
  stream.consume(3);
  stream.append("world");
  EXPECT_EQ(stream.data(), "lo world");
  EXPECT_EQ(stream.position(), 3U);
}

TEST(Stream, RoomIsTheBackPressureBound) {
  Stream stream(8);
  stream.append("12345");
  EXPECT_EQ(stream.room(), 3U);
  stream.append("67890");
  EXPECT_EQ(stream.room(), 0U);
  EXPECT_EQ(stream.data(), "1234567890");
}

TEST(Stream, ADescriptorTravelsWithItsByte) {
  Stream from;
  Stream to;
  from.append("ab");
  from.pin(one_descriptor());
  from.append("cd");
  to.append("xy");
  to.take(from, 2);
  EXPECT_TRUE(to.pins().empty());
  to.take(from, 1);
  ASSERT_EQ(to.pins().size(), 1U);
  EXPECT_EQ(to.pins().front().offset, 4U);
  EXPECT_EQ(from.data(), "d");
}

/// A body that came with a head of its own, which was read; behind what the mediator wrote instead of it.
std::string behind(std::string_view written) {
  Stream from;
  Stream to;
  const std::string came = "head" + std::string(1000, 'b');
  EXPECT_EQ(from.fill(from.room(), [&](char* bytes, std::size_t) { return came.copy(bytes, came.size()); }), 1004U);
  from.consume(4);
  from.pin(one_descriptor());
  from.append("c");
  to.append(written);
  to.take(from, 1001);
  EXPECT_TRUE(from.empty());
  EXPECT_EQ(from.position(), 1005U);
  EXPECT_EQ(to.position(), 0U);
  EXPECT_EQ(to.pins().at(0).offset, written.size() + 1000);
  from.append("next");
  EXPECT_EQ(from.data(), "next");
  return std::string(to.data());
}

TEST(Stream, TakesABodyBehindAHeadOfAnyLength) {
  const std::string body = std::string(1000, 'b') + "c";
  for (const std::size_t size : {0UL, 1UL, 4UL, 255UL, 256UL, 260UL, 261UL, 5000UL})
    EXPECT_EQ(behind(std::string(size, 'h')), std::string(size, 'h') + body) << size;
}

TEST(Stream, ConsumingABytesClosesItsDescriptors) {
  Stream stream;
  auto descriptors = one_descriptor();
  const int number = descriptors.front().get();
  stream.pin(std::move(descriptors));
  stream.append("a");
  EXPECT_TRUE(is_open(number));
  stream.consume(1);
  EXPECT_FALSE(is_open(number));
}

TEST(Stream, TakingEverythingMovesTheBufferAndKeepsPositions) {
  Stream from;
  Stream to;
  from.append("abcdef");
  from.consume(2);
  to.take(from, 4);
  EXPECT_EQ(to.data(), "cdef");
  EXPECT_EQ(from.position(), 6U);
  from.append("gh");
  to.consume(4);
  to.take(from, 1);
  EXPECT_EQ(to.data(), "g");
  EXPECT_EQ(to.position(), 4U);
}

TEST(Stream, FinishedMeansEndedAndDrained) {
  Stream stream;
  stream.append("x");
  stream.end();
  EXPECT_FALSE(stream.finished());
  stream.consume(1);
  EXPECT_TRUE(stream.finished());
}

}  // namespace
}  // namespace xc::mediate
