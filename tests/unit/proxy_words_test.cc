// The command line of xdg-dbus-proxy and the addresses on it.
#include "parse/proxy_words.h"

#include <gtest/gtest.h>

#include "parse/bus_address.h"
#include "parse_error.h"

namespace xc::parse {
namespace {

TEST(BusAddress, IsTheFirstUnixSocketOfTheList) {
  const struct {
    std::string_view address;
    std::string_view socket;
  } table[] = {
      {"unix:path=/run/bus", "/run/bus"},
      {"unix:guid=0123,path=/run/bus", "/run/bus"},
      {"unix:path=/tmp/a%20b%2Cc,guid=0", "/tmp/a b,c"},
      {"unix:abstract=/tmp/dbus-X", "@/tmp/dbus-X"},
      {"tcp:host=localhost,port=1;unix:tmpdir=/tmp;unix:path=/b;unix:path=/c", "/b"},
  };
  for (const auto& row : table) {
    const auto parsed = parse_bus_address(row.address);
    ASSERT_TRUE(parsed) << row.address;
    EXPECT_EQ(*parsed, row.socket);
  }
  for (const std::string_view bad :
       {"", "/run/bus", "unix:", "unix:path", "unix:path=", "unix:path=run", "unix:path=/%1", "unix:path=/%00",
        "unix:path=/a%0ab", "tcp:host=x", "unix:abstract="})
    EXPECT_FALSE(parse_bus_address(bad)) << bad;
}

TEST(ProxyWords, BelongToTheGroupBeforeThem) {
  const auto command = parse_proxy_words({"--fd=7", "unix:path=/a", "/A", "--filter", "--talk=org.a.B", "--log",
                                          "unix:abstract=b", "/B", "--see=org.*", "--own=org.c.D.*",
                                          "--call=org.a.B=org.a.I.M@/p", "--broadcast=org.a.B=*", "--sloppy-names"});
  ASSERT_TRUE(command) << error_of(command);
  EXPECT_EQ(command->ready_fd, 7);
  ASSERT_EQ(command->groups.size(), 2U);
  const ProxyGroup& one = command->groups[0];
  const ProxyGroup& two = command->groups[1];
  EXPECT_EQ(one.connect + one.listen + two.connect + two.listen, "/a/A@b/B");
  EXPECT_TRUE(one.filter && one.log && !one.rules.unique_names);
  EXPECT_EQ(one.rules.talk, std::vector<std::string>{"org.a.B"});
  EXPECT_TRUE(!two.filter && !two.log && two.rules.unique_names && two.rules.talk.empty());
  EXPECT_EQ(two.rules.see[0] + two.rules.own[0] + two.rules.call[0] + two.rules.broadcast[0],
            "org.*org.c.D.*org.a.B=org.a.I.M@/porg.a.B=*");
}

}  // namespace
}  // namespace xc::parse
