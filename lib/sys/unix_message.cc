// See unix_message.h.
#include "sys/unix_message.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/text.h"
#include "sys/rights.h"

namespace xc::sys {
namespace {

bool would_block(int code) {
  return code == EAGAIN || code == EWOULDBLOCK;
}

}  // namespace

Result<std::optional<std::size_t>> send_message(int socket, std::string_view bytes, std::span<const int> descriptors) {
  if (descriptors.size() > most_rights) return fail(Kind::internal, "too many descriptors for one message");
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};  // sendmsg(2) only reads it
  alignas(cmsghdr) std::array<char, rights_room> control{};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  if (!descriptors.empty()) attach_rights(header, control, descriptors);
  ssize_t sent = -1;
  do sent = ::sendmsg(socket, &header, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent < 0 && would_block(errno)) return std::nullopt;
  if (sent < 0) return fail_errno(Kind::kernel, "sendmsg", errno);
  return static_cast<std::size_t>(sent);
}

ssize_t receive_plain(int socket, std::span<char> buffer, int flags) {
  iovec piece{buffer.data(), buffer.size()};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  ssize_t got = -1;
  do got = ::recvmsg(socket, &header, flags | MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  while (got < 0 && errno == EINTR);
  return got;
}

Result<std::optional<Received>> receive_message(int socket, std::span<char> buffer, std::size_t limit) {
  iovec piece{buffer.data(), buffer.size()};
  alignas(cmsghdr) std::array<char, rights_room> control{};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  limit = std::min(limit, most_rights);
  header.msg_control = limit > 0 ? control.data() : nullptr;
  header.msg_controllen = limit > 0 ? CMSG_LEN(limit * sizeof(int)) : 0;  // CMSG_SPACE would have room for one more
  ssize_t got = -1;
  do got = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got < 0 && would_block(errno)) return std::nullopt;
  if (got < 0) return fail_errno(Kind::kernel, "recvmsg", errno);
  Received received{static_cast<std::size_t>(got), take_rights(header)};
  if ((header.msg_flags & MSG_CTRUNC) != 0)
    return fail(Kind::policy,
                "a message with more than " + text::number(std::uint64_t{limit}) + " descriptors was sent to us");
  if ((header.msg_flags & MSG_TRUNC) != 0)
    return fail(Kind::policy,
                "a message longer than " + text::number(std::uint64_t{buffer.size()}) + " bytes was sent to us");
  return received;
}

}  // namespace xc::sys
