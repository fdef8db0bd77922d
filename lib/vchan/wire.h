// The stream between two ends: bytes and nothing else, as every libvchan over sockets speaks it; our own ends add
// descriptors to the first bytes, which others never see. Runs in the program that uses the library. Blocks only in
// receiving, and only where it is told to wait.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/fd.h"
#include "vchan/place.h"
#include "vchan/shared.h"

namespace xc::vchan {

/// A listening socket with the inode it made.
struct Listener {
  Fd socket;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
};
/// Takes over the name from whoever has it. False: standard error was told why.
[[nodiscard]] bool listen_at(const Path& path, Listener& listener);
/// Ends it: nobody waits in it for an answer that will not come, and its name is gone if it is still its own. The
/// descriptor stays: another thread may be about to poll it.
void end_listener(const Path& path, Listener& listener);
/// The first client; none when nobody has come.
[[nodiscard]] Fd accept_client(const Listener& listener);

enum class Reach : unsigned char { reached, not_yet, never };
[[nodiscard]] Reach connect_to(const Path& path, Fd& socket);

/// Bytes moved; 0: it would block; -1: the peer does not take, or give, any more.
[[nodiscard]] long send_bytes(const Fd& socket, const char* bytes, std::size_t size);
[[nodiscard]] long receive_bytes(const Fd& socket, char* bytes, std::size_t size, bool wait);

/// The same for the first bytes of a direction. An offer that cannot be sent is left out; one that came is taken.
[[nodiscard]] long send_first(const Fd& socket, const char* bytes, std::size_t size, const Shared& shared,
                              const Fd& memory);
[[nodiscard]] long receive_first(const Fd& socket, char* bytes, std::size_t size,
                                 Fd (&descriptors)[offered_descriptors], bool wait);

/// Bytes that lie in the socket.
[[nodiscard]] std::size_t unread(const Fd& socket);

enum class Line : unsigned char { open, no_more_to_read, closed };
[[nodiscard]] Line look_at(const Fd& socket);

}  // namespace xc::vchan
