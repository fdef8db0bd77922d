// A listening Unix socket that nobody can find: bound to a name that is gone before anybody learns it, reached by who
// holds its inode. (An abstract name would be open to everybody in the network namespace.) Runs in the monitor and in
// xc-inject.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "sys/unix_socket.h"

namespace xc::sys {

struct HiddenListener {
  Fd listener;  ///< non-blocking
  Fd file;      ///< O_PATH; for connect_path(), which only our own user may
};

/// Made in the first of `directories` that can be written to, inside a directory of our own that lives for as long as
/// this call. An error speaks of the last.
[[nodiscard]] Result<HiddenListener> listen_hidden(const std::vector<std::string>& directories,
                                                   SocketKind kind = SocketKind::stream);

}  // namespace xc::sys
