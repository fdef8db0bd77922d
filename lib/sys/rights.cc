#include "sys/rights.h"

#include <cstring>

namespace xc::sys {

namespace {

/// Writes one part of the control data at the start of `room`; the bytes it takes there.
std::size_t put(std::span<char> room, int type, std::span<const std::byte> value) {
  cmsghdr header{};
  header.cmsg_level = SOL_SOCKET;
  header.cmsg_type = type;
  header.cmsg_len = CMSG_LEN(value.size());
  std::memcpy(room.data(), &header, sizeof header);
  std::memcpy(room.data() + CMSG_LEN(0), value.data(), value.size());
  return CMSG_SPACE(value.size());
}

}  // namespace

void attach_rights(msghdr& message, std::span<char> room, std::span<const int> descriptors) {
  attach_control(message, room, descriptors, nullptr);
}

void attach_control(msghdr& message, std::span<char> room, std::span<const int> descriptors, const ucred* credentials) {
  std::size_t used = 0;
  if (credentials != nullptr) used += put(room, SCM_CREDENTIALS, std::as_bytes(std::span(credentials, 1)));
  if (!descriptors.empty()) used += put(room.subspan(used), SCM_RIGHTS, std::as_bytes(descriptors));
  message.msg_control = used > 0 ? room.data() : nullptr;
  message.msg_controllen = used;
}

std::vector<Fd> take_rights(msghdr& message) {
  std::vector<Fd> descriptors;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(part) + i * sizeof(int), sizeof number);
      descriptors.emplace_back(number);
    }
  }
  return descriptors;
}

}  // namespace xc::sys
