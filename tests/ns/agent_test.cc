// What the agent makes of the bytes of a socket address.
#include "shim/agent.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace xc::shim {
namespace {

std::string address(int family, const std::string& rest) {
  const auto number = static_cast<sa_family_t>(family);
  return std::string(reinterpret_cast<const char*>(&number), sizeof number) + rest;
}

TEST(Agent, APathEndsWithTheAddressOrAtAZero) {
  EXPECT_EQ(path_in(address(AF_UNIX, "/run/x")), "/run/x");
  EXPECT_EQ(path_in(address(AF_UNIX, std::string("/run/x\0/rest", 12))), "/run/x");
  EXPECT_EQ(path_in(address(AF_UNIX, std::string(108, 'x'))), std::string(108, 'x'));
}

TEST(Agent, OtherAddressesNameNoPath) {
  EXPECT_EQ(path_in(""), "");
  EXPECT_EQ(path_in("\x01"), "");
  EXPECT_EQ(path_in(address(AF_UNIX, "")), "");
  EXPECT_EQ(path_in(address(AF_UNIX, std::string("\0abstract", 9))), "");
  EXPECT_EQ(path_in(address(AF_INET, "/run/x")), "");
}

}  // namespace
}  // namespace xc::shim
