#include "vchan/wire.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace xc::vchan {
namespace {

constexpr int one_client = 1;

sockaddr_un address_of(const Path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  static_assert(sizeof address.sun_path == sizeof path.text);
  std::memcpy(address.sun_path, path.text, sizeof path.text);
  return address;
}

bool would_block(int code) {
  return code == EAGAIN || code == EWOULDBLOCK || code == EINTR;
}

/// The directories of a path, made when they are missing: nobody else does, and below /var/run they go with each boot.
void make_directories(const Path& path) {
  Path directory = path;
  for (char* slash = directory.text; (slash = std::strchr(slash + 1, '/')) != nullptr; *slash = '/') {
    *slash = '\0';
    (void)::mkdir(directory.text, 0755);  // fails where it is there already; if it cannot be made, bind says so
  }
}

bool is_socket(const char* path) {
  struct stat status{};
  return ::lstat(path, &status) == 0 && S_ISSOCK(status.st_mode);
}

bool complain_of(const Path& path) {
  complain(path.text, std::strerror(errno));
  return false;
}

}  // namespace

bool listen_at(const Path& path, Listener& listener) {
  const sockaddr_un address = address_of(path);
  const auto* name = reinterpret_cast<const sockaddr*>(&address);
  make_directories(path);
  listener.socket = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!listener.socket) return complain_of(path);
  if (::bind(listener.socket.get(), name, sizeof address) != 0) {
    const bool stale = errno == EADDRINUSE && is_socket(path.text) && ::unlink(path.text) == 0;
    if (!stale) errno = errno == 0 ? EADDRINUSE : errno;
    if (!stale || ::bind(listener.socket.get(), name, sizeof address) != 0) return complain_of(path);
  }
  if (::listen(listener.socket.get(), one_client) != 0) return complain_of(path);
  struct stat made{};
  if (::lstat(path.text, &made) != 0) return complain_of(path);
  listener.device = made.st_dev;
  listener.inode = made.st_ino;
  return true;
}

void end_listener(const Path& path, Listener& listener) {
  if (!listener.socket || listener.inode == 0) return;
  struct stat now{};
  const bool ours = ::lstat(path.text, &now) == 0 && now.st_dev == listener.device && now.st_ino == listener.inode;
  if (ours) (void)::unlink(path.text);
  listener.inode = 0;
  (void)::shutdown(listener.socket.get(), SHUT_RDWR);  // wakes threads of this program that poll it
  while (accept_client(listener)) continue;            // they see the end at once instead of waiting for nobody
}

Fd accept_client(const Listener& listener) {
  return Fd(::accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
}

Reach connect_to(const Path& path, Fd& socket) {
  const sockaddr_un address = address_of(path);
  Fd made{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!made) {
    (void)complain_of(path);
    return Reach::never;
  }
  if (::connect(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    (void)::fcntl(made.get(), F_SETFL, 0);  // connecting must not wait, receiving may
    socket = std::move(made);
    return Reach::reached;
  }
  // Not there, being made, left behind, or busy with another client.
  if (errno == ENOENT || errno == ECONNREFUSED || would_block(errno)) return Reach::not_yet;
  (void)complain_of(path);
  return Reach::never;
}

long send_bytes(const Fd& socket, const char* bytes, std::size_t size) {
  const ssize_t sent = ::send(socket.get(), bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0) return sent;
  return would_block(errno) || errno == ENOBUFS || errno == ENOMEM ? 0 : -1;
}

long receive_bytes(const Fd& socket, char* bytes, std::size_t size, bool wait) {
  const ssize_t got = ::recv(socket.get(), bytes, size, wait ? 0 : MSG_DONTWAIT);
  if (got > 0) return got;
  return got < 0 && would_block(errno) ? 0 : -1;
}

long send_first(const Fd& socket, const char* bytes, std::size_t size, const Shared& shared, const Fd& memory) {
  const int numbers[offered_descriptors] = {memory.get(), shared.data_bell.get(), shared.room_bell.get()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof numbers)] = {};
  iovec piece{const_cast<char*>(bytes), size};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof numbers);
  std::memcpy(CMSG_DATA(rights), numbers, sizeof numbers);
  const ssize_t sent = ::sendmsg(socket.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent >= 0) return sent;
  if (would_block(errno) || errno == EPIPE || errno == ECONNRESET) return would_block(errno) ? 0 : -1;
  return send_bytes(socket, bytes, size);  // the peer, or the kernel, takes no descriptors
}

long receive_first(const Fd& socket, char* bytes, std::size_t size, Fd (&descriptors)[offered_descriptors], bool wait) {
  alignas(cmsghdr) char control[CMSG_SPACE(offered_descriptors * sizeof(int))];
  iovec piece{bytes, size};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = CMSG_LEN(offered_descriptors * sizeof(int));  // padding would let a fourth one in
  const ssize_t got = ::recvmsg(socket.get(), &message, (wait ? 0 : MSG_DONTWAIT) | MSG_CMSG_CLOEXEC);
  if (got < 0 && would_block(errno)) return 0;
  if (got <= 0) return -1;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count && i < offered_descriptors; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(part) + i * sizeof number, sizeof number);
      descriptors[i] = Fd(number);
    }
  }
  return got;
}

std::size_t unread(const Fd& socket) {
  int size = 0;
  return ::ioctl(socket.get(), FIONREAD, &size) == 0 && size > 0 ? static_cast<std::size_t>(size) : 0;
}

Line look_at(const Fd& socket) {
  pollfd line{socket.get(), POLLRDHUP, 0};
  if (::poll(&line, 1, 0) < 1) return Line::open;
  if ((line.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0) return Line::closed;
  return (line.revents & POLLRDHUP) != 0 ? Line::no_more_to_read : Line::open;
}

}  // namespace xc::vchan
