#include "mediate/greeting.h"

#include <gtest/gtest.h>

namespace xc::mediate {
namespace {

using model::Identity;

TEST(Greeting, IsOneLineOfJsonWhateverTheNames) {
  EXPECT_EQ(greeting(Identity::json_line, "dialer", "viewer", "modem"),
            "{\"client\":\"dialer\",\"role\":\"viewer\",\"service\":\"modem\"}\n");
  EXPECT_EQ(greeting(Identity::json_line, "a\"}{", "v", "s"),
            "{\"client\":\"a\\\"}{\",\"role\":\"v\",\"service\":\"s\"}\n");
}

TEST(Greeting, IsAProxyHeaderWhoseLengthCoversAddressesAndNames) {
  const std::string header = greeting(Identity::proxy_v2, "dialer", "viewer", "modem");
  ASSERT_EQ(header.size(), 16U + 216U + 9U + 9U + 8U);
  EXPECT_EQ(header.substr(0, 16), std::string("\r\n\r\n\0\r\nQUIT\n\x21\x31\x00\xf2", 16));
  EXPECT_EQ(header.substr(16, 216), std::string(216, '\0')) << "no address of the host is told";
  EXPECT_EQ(header.substr(232), std::string("\xe0\0\x06"
                                            "dialer"
                                            "\xe1\0\x06"
                                            "viewer"
                                            "\xe2\0\x05"
                                            "modem",
                                            26));
}

TEST(Greeting, SaysNothingWhereCredentialsSpeak) {
  EXPECT_EQ(greeting(Identity::credentials, "dialer", "viewer", "modem"), "");
}

}  // namespace
}  // namespace xc::mediate
