// Descriptors in the control part of a message (SCM_RIGHTS, unix(7)).
#pragma once

#include <sys/socket.h>
#include <sys/time.h>

#include <span>
#include <vector>

#include "base/fd.h"

namespace xc::sys {

inline constexpr std::size_t most_rights = 253;  ///< SCM_MAX_FD: more in one message is EINVAL at the sender
inline constexpr std::size_t rights_room = CMSG_SPACE(most_rights * sizeof(int));
/// For everything that may stand in the control part of one message of ours: rights, and credentials or a time.
inline constexpr std::size_t control_room = rights_room + CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(sizeof(timeval));

/// Puts `descriptors` (borrowed, 1 to most_rights) into `message`; `room` (rights_room bytes, aligned like cmsghdr)
/// must live until the message was sent.
void attach_rights(msghdr& message, std::span<char> room, std::span<const int> descriptors);

/// The same with the sender's credentials in front (SCM_CREDENTIALS), unless null; `descriptors` may be none. `room`
/// has control_room bytes. The kernel checks that the sender may call itself so.
void attach_control(msghdr& message, std::span<char> room, std::span<const int> descriptors, const ucred* credentials);

/// The descriptors that came with a received message, owned. Check MSG_CTRUNC as well: then some are missing.
[[nodiscard]] std::vector<Fd> take_rights(msghdr& message);

}  // namespace xc::sys
