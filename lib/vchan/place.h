// Where a channel's socket is and what the environment says of it. Runs in the program that uses the library.
#pragma once

#include <cstddef>

namespace xc::vchan {

/// What the environment says, read anew at every init call.
struct Terms {
  int domain = 0;          ///< VCHAN_DOMAIN: our own
  bool reconnect = false;  ///< VCHAN_RECONNECT
  bool shared = true;      ///< VCHAN_SHM
  std::size_t ring = 0;    ///< VCHAN_RING: least size
};
[[nodiscard]] Terms terms_of_environment();

/// A path that fits into an address (unix(7)).
struct Path {
  char text[108] = {};
};
/// VCHAN_SOCKET_DIR/vchan.SERVER.CLIENT.PORT.sock; false when that is too long.
[[nodiscard]] bool make_path(int server, int client, int port, Path& path);

/// The smallest power of two of at least a page and `least` bytes; 0 when that is more than a ring can have.
[[nodiscard]] std::size_t ring_size(std::size_t least);

/// One line on standard error: the API has no other way to say why.
void complain(const char* path, const char* what);

}  // namespace xc::vchan
