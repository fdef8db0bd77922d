#include "shim/handover.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <span>

#include "sys/rights.h"

namespace xc::shim {
Result<bool> send_handover(int control, const Handover& handover) {
  auto code = static_cast<std::uint8_t>(handover.upstream);
  iovec vector{&code, sizeof code};
  alignas(cmsghdr) std::array<char, sys::rights_room> room;
  const std::array<int, 2> numbers{handover.client.get(), handover.server.get()};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  sys::attach_rights(message, room, std::span(numbers).first(handover.server ? 2 : 1));
  if (::sendmsg(control, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return true;
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ETOOMANYREFS) return false;
  return fail_errno(Kind::kernel, "handing a connection to the worker", errno);
}

Result<std::optional<Handover>> receive_handover(int control) {
  std::uint8_t code = 0;
  iovec vector{&code, sizeof code};
  alignas(cmsghdr) std::array<char, sys::rights_room> room;
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = room.data();
  message.msg_controllen = room.size();
  const ssize_t got = ::recvmsg(control, &message, MSG_CMSG_CLOEXEC);
  if (got < 0) return fail_errno(Kind::kernel, "taking a connection from the monitor", errno);
  if (got == 0) return std::optional<Handover>{};
  Handover handover;
  handover.upstream = static_cast<mediate::Upstream>(code);
  auto descriptors = sys::take_rights(message);
  if (!descriptors.empty()) handover.client = std::move(descriptors[0]);
  if (descriptors.size() > 1) handover.server = std::move(descriptors[1]);
  // Out of descriptors: the pair is lost, which for the client is a closed connection.
  if ((message.msg_flags & MSG_CTRUNC) != 0 || !handover.client) return std::optional<Handover>(Handover{});
  return std::optional<Handover>(std::move(handover));
}

}  // namespace xc::shim
