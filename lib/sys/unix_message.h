// Bytes with descriptors over a Unix socket (unix(7), SCM_RIGHTS). Runs in every process; never blocks by itself: the
// socket's own mode decides, "not now" is an answer.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace xc::sys {

/// Sends `bytes`, with `descriptors` (borrowed, at most 253) at the first of them. How many bytes were taken: with the
/// first, all descriptors have gone; nothing when the socket would block. No SIGPIPE. An error keeps its errno. To send
/// descriptors on a stream there must be at least one byte.
[[nodiscard]] Result<std::optional<std::size_t>> send_message(int socket, std::string_view bytes,
                                                              std::span<const int> descriptors);

/// recvmsg(2) without control data: how many bytes (with MSG_TRUNC in `flags`, the message's whole length), or -1 with
/// errno set. For processes whose filter knows no recv(2).
[[nodiscard]] ssize_t receive_plain(int socket, std::span<char> buffer, int flags);

struct Received {
  std::size_t size = 0;  ///< 0 on a stream or seqpacket: the peer has ended its side
  std::vector<Fd> descriptors;
};

/// Receives into `buffer` at most its size, and at most `limit` (up to 253) descriptors, all CLOEXEC. Nothing when
/// nothing is there. More descriptors than that, or a message longer than the buffer, is an error (R26): the kernel has
/// dropped the rest, so the connection cannot go on.
[[nodiscard]] Result<std::optional<Received>> receive_message(int socket, std::span<char> buffer, std::size_t limit);

}  // namespace xc::sys
