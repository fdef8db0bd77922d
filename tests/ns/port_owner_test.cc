// What the kernel's table of TCP sockets says of a port.
#include "sys/port_owner.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace xc::sys {
namespace {

constexpr std::string_view table =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1 0 100 0 0 10 0\n"
    "   1: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 12 1 0 100 0 0 10 0\n"
    "   2: 0200007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 13 1 0 100 0 0 10 0\n"
    "   3: 0100007F:1F90 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 14 1 0 100 0 0 10 0\n"
    "   4: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 15 1 0 100 0 0 10 0\n"
    "cut short: 0100007F:1F90\n";

TEST(PortOwner, ReadsWhoListensWhereTheLoopbackArrives) {
  EXPECT_EQ(listeners_in(table, 8080), (std::vector<std::uint64_t>{11, 12}));
  EXPECT_EQ(listeners_in(table, 8081), (std::vector<std::uint64_t>{15}));
  EXPECT_TRUE(listeners_in(table, 80).empty());
}

TEST(PortOwner, FindsItsOwnSocketAndNobodyElses) {
  const Fd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(socket.get(), 1), 0);
  ASSERT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const auto proc = Proc::open();
  const auto self = open_process(*proc, ::getpid());
  const auto sockets = listeners_at(*self, ntohs(address.sin_port));
  ASSERT_TRUE(sockets && sockets->size() == 1);
  // Neither is the parent's container ours, nor has anybody a socket of that number.
  EXPECT_FALSE(belong_to(*proc, {*sockets->begin(), 1}, *self).value());
}

}  // namespace
}  // namespace xc::sys
