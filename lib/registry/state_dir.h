// The state directory: /run/xconnect unless told otherwise. Root's alone, on tmpfs, so a reboot forgets everything. An
// ordinary user (podman without root) has one of their own: the same words then mean /run/user/UID/xconnect.
//
//   c/NAME.PID/     one container's life: `record`, the listening sockets, the status socket of its shim
//   offers/NAME.PID the record of a container that offers something; consumers' shims read it at each connection
//   n/NAME          where the engine of container NAME connects, when its filter asks about connect(2)
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "sys/child.h"

namespace xc::registry {

inline constexpr std::string_view default_state_dir = "/run/xconnect";

class StateDir {
 public:
  /// Opens the directory and makes what is missing. Refused unless it is a directory of our own user with mode 0700
  /// and not a symbolic link (R38).
  [[nodiscard]] static Result<StateDir> open(const std::string& path);
  /// The same, but nothing is made: Kind::usage when it is not there.
  [[nodiscard]] static Result<StateDir> find(const std::string& path);

  [[nodiscard]] int containers() const { return containers_.get(); }
  [[nodiscard]] int offers() const { return offers_.get(); }
  [[nodiscard]] int redirectors() const { return redirectors_.get(); }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  [[nodiscard]] static Result<StateDir> open_parts(Fd top, std::string path);
  std::string path_;
  Fd top_;
  Fd containers_;
  Fd offers_;
  Fd redirectors_;
};

/// The path that StateDir::open() and find() take for `named`: of the usual one, an ordinary user has another.
[[nodiscard]] std::string state_path(const std::string& named);

/// What linux.seccomp.listenerPath of container `name` must say, for a state directory at `state`.
[[nodiscard]] std::string redirector_of(const std::string& state, std::string_view name);

/// Takes the exclusive lock (flock(2)) on `file`, until it is closed; Kind::again at the deadline.
[[nodiscard]] Result<> lock_until(const Fd& file, sys::Deadline deadline);

/// Between two looks at something that will be done in a moment.
void sleep_a_little();

/// Name of a container's entry: "<name>.<pid>". The name has passed text::is_name, so it is one path component.
[[nodiscard]] std::string key_of(std::string_view name, std::int64_t pid);

}  // namespace xc::registry
