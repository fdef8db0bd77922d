// A listening socket at a place that a person named, for mediators without a container.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "sys/parent_dir.h"
#include "sys/unix_socket.h"

namespace xc::app {

/// Takes its file away again, if it is still the one we made.
class Listener {
 public:
  /// "/path", a path below the working directory, or "@name". A path that is taken is an error; with `replace` a socket
  /// that stands there is removed first.
  [[nodiscard]] static Result<Listener> make(const std::string& address, sys::SocketKind kind, bool replace = false);
  Listener(Listener&&) = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  Listener& operator=(Listener&&) = delete;
  ~Listener();
  [[nodiscard]] Fd take() { return std::move(socket_); }

 private:
  Listener() = default;
  Fd socket_;
  Fd directory_;
  std::string name_;
  sys::FileId file_;
};

}  // namespace xc::app
