// The few socket calls that the test programs share. They run inside test containers; nothing of the product uses them.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"

namespace xc::test {

inline constexpr std::size_t most_descriptors = 253;  // SCM_MAX_FD of the kernel

[[noreturn]] inline void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

/// "@name" is an abstract name, anything else a path; returns the length that bind(2) and connect(2) want.
inline socklen_t fill_address(sockaddr_un& address, std::string_view name) {
  address = {};
  address.sun_family = AF_UNIX;
  if (name.empty() || name.size() >= sizeof(address.sun_path)) {
    std::fputs("socket name is empty or too long\n", stderr);
    std::exit(64);
  }
  std::memcpy(address.sun_path, name.data(), name.size());
  const bool abstract = name.front() == '@';
  if (abstract) address.sun_path[0] = '\0';
  return static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (abstract ? 0 : 1));
}

inline Fd make_socket(int type) {
  Fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  if (!socket) die("socket");
  return socket;
}

/// The result of connect(2): 0 or an errno.
inline int try_connect(const Fd& socket, std::string_view name) {
  sockaddr_un address;
  const socklen_t length = fill_address(address, name);
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0 ? 0 : errno;
}

inline Fd dial(std::string_view name, int type = SOCK_STREAM) {
  Fd socket = make_socket(type);
  if (const int code = try_connect(socket, name); code != 0) {
    errno = code;
    die("connect");
  }
  return socket;
}

inline Fd listen_on(const std::string& name, int type = SOCK_STREAM) {
  Fd socket = make_socket(type);
  sockaddr_un address;
  const socklen_t length = fill_address(address, name);
  if (name.front() != '@') ::unlink(name.c_str());
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) die("bind");
  if (::listen(socket.get(), 1024) != 0) die("listen");
  return socket;
}

/// All of `bytes`, the descriptors with the first of them. False when the peer is gone.
inline bool send_all(int socket, std::string_view bytes, const std::vector<int>& descriptors = {}) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(most_descriptors * sizeof(int))> control{};
  bool first = true;
  while (first || !bytes.empty()) {
    iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (first && !descriptors.empty()) {
      message.msg_control = control.data();
      message.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
      cmsghdr* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
      std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size() * sizeof(int));
    }
    const ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return false;
    first = false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// What one recvmsg(2) brought: bytes (empty at the end, or after an error) and the descriptors that came along.
struct Received {
  std::string bytes;
  std::vector<Fd> descriptors;
};

inline Received receive(int socket) {
  Received received;
  std::array<char, 65536> buffer;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(most_descriptors * sizeof(int))> control{};
  iovec part{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t got = 0;
  do got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got > 0) received.bytes.assign(buffer.data(), static_cast<std::size_t>(got));
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); got >= 0 && header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(header) + i * sizeof(int), sizeof(int));
      received.descriptors.emplace_back(number);
    }
  }
  return received;
}

}  // namespace xc::test
