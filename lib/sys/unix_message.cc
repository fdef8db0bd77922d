// See unix_message.h.
#include "sys/unix_message.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace xc::sys {
namespace {

constexpr std::size_t control_size = CMSG_SPACE(most_descriptors * sizeof(int));

bool would_block(int code) {
  return code == EAGAIN || code == EWOULDBLOCK;
}

/// Takes every descriptor out of the control data, so that none can be lost by an early return.
std::vector<Fd> take_descriptors(msghdr& header) {
  std::vector<Fd> taken;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(part) + i * sizeof number, sizeof number);
      taken.emplace_back(number);
    }
  }
  return taken;
}

}  // namespace

Result<std::optional<std::size_t>> send_message(int socket, std::string_view bytes, std::span<const int> descriptors) {
  if (descriptors.size() > most_descriptors) return fail(Kind::internal, "too many descriptors for one message");
  iovec piece{const_cast<char*>(bytes.data()), bytes.size()};  // sendmsg(2) only reads it
  alignas(cmsghdr) std::array<unsigned char, control_size> control{};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  if (!descriptors.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* part = CMSG_FIRSTHDR(&header);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(part), descriptors.data(), descriptors.size_bytes());
  }
  ssize_t sent = -1;
  do sent = ::sendmsg(socket, &header, MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  if (sent < 0 && would_block(errno)) return std::nullopt;
  if (sent < 0) return fail_errno(Kind::kernel, "sendmsg", errno);
  return static_cast<std::size_t>(sent);
}

Result<std::optional<Received>> receive_message(int socket, std::span<char> buffer, std::size_t limit) {
  iovec piece{buffer.data(), buffer.size()};
  alignas(cmsghdr) std::array<unsigned char, control_size> control{};
  msghdr header{};
  header.msg_iov = &piece;
  header.msg_iovlen = 1;
  limit = std::min(limit, most_descriptors);
  header.msg_control = limit > 0 ? control.data() : nullptr;
  header.msg_controllen = limit > 0 ? CMSG_LEN(limit * sizeof(int)) : 0;  // CMSG_SPACE would have room for one more
  ssize_t got = -1;
  do got = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got < 0 && would_block(errno)) return std::nullopt;
  if (got < 0) return fail_errno(Kind::kernel, "recvmsg", errno);
  Received received{static_cast<std::size_t>(got), take_descriptors(header)};
  if ((header.msg_flags & MSG_CTRUNC) != 0)
    return fail(Kind::policy,
                "a message with more than " + text::number(std::uint64_t{limit}) + " descriptors was sent to us");
  if ((header.msg_flags & MSG_TRUNC) != 0)
    return fail(Kind::policy,
                "a message longer than " + text::number(std::uint64_t{buffer.size()}) + " bytes was sent to us");
  return received;
}

}  // namespace xc::sys
