#include "shim/endpoint.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <span>
#include <vector>

#include "sys/rights.h"

namespace xc::shim {
namespace {

void attach(msghdr& message, std::span<char> room, const std::vector<Fd>& descriptors) {
  std::vector<int> numbers;
  for (const Fd& descriptor : descriptors) numbers.push_back(descriptor.get());
  sys::attach_rights(message, room, numbers);
}

bool would_block(int code) {
  return code == EAGAIN || code == EWOULDBLOCK;
}
bool peer_left(int code) {
  return code == EPIPE || code == ECONNRESET || code == ENOTCONN;
}

}  // namespace

Endpoint::Endpoint(Fd socket, bool at_once) : socket_(std::move(socket)), readable_(at_once) {
  if (socket_) return;
  in.end();
  sent_end_ = true;
}

void Endpoint::wake(std::uint32_t events) {
  if ((events & ~std::uint32_t{EPOLLOUT}) != 0) readable_ = true;
  if ((events & ~std::uint32_t{EPOLLIN | EPOLLRDHUP}) != 0) writable_ = true;
}

std::uint32_t Endpoint::interest() const {
  if (!socket_) return 0;
  std::uint32_t events = 0;
  if (!in.ended() && in.room() > 0) events |= EPOLLIN | EPOLLRDHUP;
  if (!writable_ && !retry_ && !sent_end_) events |= EPOLLOUT;
  return events;
}

Result<> Endpoint::receive() {
  if (!readable_ || in.ended() || in.room() == 0) return {};
  readable_ = false;
  alignas(cmsghdr) std::array<char, sys::rights_room> control;
  msghdr message{};
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ssize_t got = 0;
  int code = 0;
  const std::uint64_t start = in.end_position();
  in.fill(in.room(), [&](char* bytes, std::size_t size) {
    iovec vector{bytes, size};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    do got = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    code = errno;
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  });
  if (got < 0 && would_block(code)) return {};
  if (got < 0 && !peer_left(code)) return fail_errno(Kind::kernel, "recvmsg", code);
  if (got <= 0) {
    in.end();
    return {};
  }
  auto descriptors = sys::take_rights(message);
  if ((message.msg_flags & MSG_CTRUNC) != 0)
    return fail(Kind::policy, "more descriptors arrived than there is room for");
  in.pin_at(start, std::move(descriptors));  // they belong to one of these bytes: with the first they are never late
  return {};
}

Result<bool> Endpoint::send() {
  bool moved = false;
  while (socket_ && writable_ && !deaf_ && !out.empty()) {
    if (XC_TRY(send_once()) == Outcome::blocked) break;
    moved = true;
  }
  if ((deaf_ || !socket_) && !out.empty()) {
    out.consume(out.data().size());
    moved = true;
  }
  if (out.finished() && !sent_end_) {
    (void)::shutdown(socket_.get(), SHUT_WR);  // fails only when the peer has left: then there is nobody to tell
    sent_end_ = moved = true;
  }
  return moved;
}

Result<Endpoint::Outcome> Endpoint::send_once() {
  alignas(cmsghdr) std::array<char, sys::rights_room> control;
  std::string_view bytes = out.data();
  msghdr message{};
  if (const auto& pins = out.pins(); !pins.empty()) {
    const auto until = [&](const auto& pin) { return static_cast<std::size_t>(pin.offset - out.position()); };
    const std::size_t ahead = until(pins.front());
    if (ahead > 0) {
      bytes = bytes.substr(0, ahead);  // the byte that carries descriptors starts a message of its own
    } else {
      if (pins.size() > 1) bytes = bytes.substr(0, until(pins[1]));
      attach(message, control, pins.front().descriptors);
    }
  }
  iovec vector{const_cast<char*>(bytes.data()), bytes.size()};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  ssize_t sent = 0;
  do sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  if (sent >= 0) {
    retry_ = false;
    out.consume(static_cast<std::size_t>(sent));
    return Outcome::moved;
  }
  retry_ = errno == ETOOMANYREFS;
  if (retry_ || would_block(errno)) {
    writable_ = false;
    return Outcome::blocked;
  }
  if (!peer_left(errno)) return fail_errno(Kind::kernel, "sendmsg", errno);
  deaf_ = sent_end_ = true;
  return Outcome::blocked;
}

bool Endpoint::stop_receiving() {
  if (in.ended()) return false;
  (void)::shutdown(socket_.get(), SHUT_RD);  // fails only when the peer has left already
  in.end();
  return true;
}

}  // namespace xc::shim
