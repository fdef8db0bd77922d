// See net_visit.h.
#include "sys/net_visit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "sys/namespaces.h"

namespace xc::sys {
namespace {

constexpr int patience_ms = 20;  // on loopback the kernel answers within the call, unless the backlog is full

Result<Fd> open_net(int directory, const char* who) {
  Fd net{::openat(directory, "ns/net", O_RDONLY | O_CLOEXEC)};
  if (!net) return fail_errno(Kind::kernel, std::string(who) + " network namespace", errno);
  return net;
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

Result<Fd> new_tcp_socket() {
  Fd socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket) return fail_errno(Kind::kernel, "socket", errno);
  const int on = 1;  // requests and answers are small, and wait for each other
  if (::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0)
    return fail_errno(Kind::kernel, "TCP_NODELAY", errno);
  return socket;
}

/// LXC leaves the loopback down unless it is told otherwise, and then a port on it is nowhere.
Result<> raise_loopback(const Fd& socket) {
  ifreq request{};
  std::memcpy(request.ifr_name, "lo", 3);
  if (::ioctl(socket.get(), SIOCGIFFLAGS, &request) != 0) return fail_errno(Kind::kernel, "the loopback", errno);
  if ((request.ifr_flags & IFF_UP) != 0) return {};
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) != 0) return fail_errno(Kind::plant, "the loopback is down", errno);
  return {};
}

}  // namespace

Result<NetVisit> NetVisit::to(const Proc& proc, const Process& process) {
  const Fd self{::openat(proc.dir(), "self", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!self) return fail_errno(Kind::kernel, "/proc/self", errno);
  Fd home = XC_TRY(open_net(self.get(), "our own"));
  const Fd there = XC_TRY(open_net(process.dir.get(), "its"));
  if (!XC_TRY(is_alive(process))) return fail(Kind::again, "the container has ended");
  const bool at_home = XC_TRY(same_file(home.get(), there.get()));
  if (!at_home) XC_CHECK(enter_net_namespace(there));
  return NetVisit(std::move(home), at_home);
}

NetVisit::~NetVisit() {
  if (home_ && !at_home_ && ::setns(home_.get(), CLONE_NEWNET) != 0) ::_exit(exit_code(Kind::kernel));
}

Result<Fd> connect_loopback(std::uint16_t port) {
  Fd socket = XC_TRY(new_tcp_socket());
  const sockaddr_in address = loopback(port);
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return socket;
  if (errno != EINPROGRESS) return fail_errno(Kind::kernel, "connect", errno);
  pollfd waiting{socket.get(), POLLOUT, 0};
  if (::poll(&waiting, 1, patience_ms) != 1) return fail_errno(Kind::again, "connect", EAGAIN);
  int code = 0;
  socklen_t size = sizeof code;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &code, &size) != 0) code = errno;
  if (code != 0) return fail_errno(Kind::kernel, "connect", code);
  return socket;
}

Result<Fd> listen_loopback(std::uint16_t port, int backlog) {
  Fd socket = XC_TRY(new_tcp_socket());
  const sockaddr_in address = loopback(port);
  XC_CHECK(raise_loopback(socket));
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail_errno(Kind::plant, "bind", errno);
  if (::listen(socket.get(), backlog) != 0) return fail_errno(Kind::kernel, "listen", errno);
  return socket;
}

}  // namespace xc::sys
