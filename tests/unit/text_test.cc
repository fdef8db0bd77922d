#include "base/text.h"

#include <gtest/gtest.h>

namespace xc::text {
namespace {

TEST(Text, NumbersHaveOneSpelling) {
  EXPECT_EQ(parse_number("0"), 0U);
  EXPECT_EQ(parse_number("18446744073709551615"), 18446744073709551615U);
  for (const char* wrong : {"", "01", "+1", "-1", " 1", "1 ", "0x1", "18446744073709551616", "1e3"})
    EXPECT_FALSE(parse_number(wrong)) << wrong;
}

TEST(Text, PrintableHidesControlBytesAndEnds) {
  EXPECT_EQ(printable("a\x1b[2Jb\r\n"), "a\\x1b[2Jb\\x0d\\x0a");
  EXPECT_EQ(printable(std::string(300, 'a'), 4), "aaaa...");
}

TEST(Text, QuotedIsPrintableBetweenQuotes) {
  EXPECT_EQ(quoted("a\n"), "\"a\\x0a\"");
  EXPECT_EQ(quoted("abc", 2), "\"ab...\"");
}

TEST(Text, GlobMatchesWholeStrings) {
  EXPECT_TRUE(glob("*", ""));
  EXPECT_TRUE(glob("dialer-*", "dialer-ui"));
  EXPECT_TRUE(glob("*a*b*c", "xxaxxbxxc"));
  EXPECT_TRUE(glob("a?c", "abc"));
  EXPECT_FALSE(glob("dialer-*", "my-dialer-ui"));
  EXPECT_FALSE(glob("a", "ab"));
  EXPECT_FALSE(glob("", "a"));
}

TEST(Text, GlobIsNotExponential) {
  EXPECT_FALSE(glob(std::string(64, '*') + std::string(40, 'a') + "*b", std::string(2000, 'a')));
}

TEST(Text, NamesAreShortAndPlain) {
  EXPECT_TRUE(is_name("org.acme_1-x"));
  for (const char* wrong : {"", ".hidden", "-x", "a b", "a/b", "a\n",
                            "\xe2\x80\xae"
                            "a"})
    EXPECT_FALSE(is_name(wrong)) << wrong;
  EXPECT_TRUE(is_name(std::string(64, 'a')));
  EXPECT_FALSE(is_name(std::string(65, 'a')));
}

TEST(Text, Utf8IsStrict) {
  for (std::size_t before = 0; before < 17; ++before) {
    for (std::size_t after = 0; after < 17; ++after) {
      const auto amid = [&](const char* text) { return std::string(before, 'a') + text + std::string(after, '\x7f'); };
      EXPECT_TRUE(is_utf8(amid("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80")));
      for (const char* wrong : {"\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xff"})
        EXPECT_FALSE(is_utf8(amid(wrong)));
    }
  }
}

}  // namespace
}  // namespace xc::text
