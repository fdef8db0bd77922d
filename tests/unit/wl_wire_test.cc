// Arguments of Wayland messages whose lengths are lies; where a size has 32 bits as well as where it has more.
#include <gtest/gtest.h>

#include <cstring>

#include "mediate/wl_wire.h"

namespace xc::mediate::wl {
namespace {

std::string words(std::initializer_list<std::uint32_t> numbers) {
  std::string bytes;
  for (const std::uint32_t number : numbers) {
    char word[sizeof number];
    std::memcpy(word, &number, sizeof number);
    bytes.append(word, sizeof word);
  }
  return bytes;
}

TEST(WaylandWire, RefusesAnArrayLongerThanItsMessage) {
  const auto enter = find_message(*find_interface("wl_keyboard"), Direction::event, "enter");
  Args args;
  EXPECT_TRUE(parse_args(enter->spec, words({1, 2, 4, 30}), args));
  for (const std::uint32_t length : {5U, 0x7fffffffU, 0xfffffffcU, 0xfffffffdU, 0xffffffffU}) {
    EXPECT_FALSE(parse_args(enter->spec, words({1, 2, length}), args)) << length;
    EXPECT_FALSE(parse_args(enter->spec, words({1, 2, length, 30}), args)) << length;
  }
}

TEST(WaylandWire, RefusesAStringThatReachesOverTheNextArgument) {
  const auto offer = find_message(*find_interface("wl_registry"), Direction::event, "global");
  Args args;
  const std::string right = words({1, 4, 0x00636261, 1});
  EXPECT_TRUE(parse_args(offer->spec, right, args));
  EXPECT_EQ(args[1].text, "abc");
  for (const std::uint32_t length : {3U, 9U, 0xfffffffdU, 0xffffffffU})
    EXPECT_FALSE(parse_args(offer->spec, words({1, length, 0x00636261}), args)) << length;
}

}  // namespace
}  // namespace xc::mediate::wl
