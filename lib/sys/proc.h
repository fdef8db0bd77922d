// The host's procfs, opened once before any setns and proven to be procfs (R05). Runs in hooks, their children and the
// monitor. After entering a container's mount namespace "/proc" may be anything; this handle still is the host's.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace xc::sys {

/// Dynamic parts of procfs are never longer than this here; a longer file is an error.
inline constexpr std::size_t proc_file_limit = std::size_t{16} * 1024 * 1024;

class Proc {
 public:
  /// Opens /proc of the present mount namespace; an error when it is not the root of a procfs.
  [[nodiscard]] static Result<Proc> open();

  /// The directory, O_PATH, borrowed.
  [[nodiscard]] int dir() const { return dir_.get(); }
  /// Makes procfs the working directory of this process and gives the name of descriptor `fd` relative to it: for
  /// mount(2) and umount2(2), which take only names. The kernel jumps from that name to the descriptor's very inode
  /// and mount, no component is looked up again. Only for a child that has no other use for its working directory.
  [[nodiscard]] Result<std::string> name_here(int fd) const;

 private:
  explicit Proc(Fd dir) : dir_(std::move(dir)) {}
  Fd dir_;
};

/// Absolute name of descriptor `fd` of this process, for a process that never left the host's mount namespace.
[[nodiscard]] std::string host_name_of(int fd);

}  // namespace xc::sys
