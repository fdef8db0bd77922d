// The one confined directory handle: the root of a container (or any other directory that a name must not leave).
// Every path that came from outside is resolved here, once, to a descriptor (R01). Runs in hooks and in the monitor.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace xc::sys {

class RootedDir {
 public:
  /// Takes over `directory`; an error when it is not a directory.
  [[nodiscard]] static Result<RootedDir> from(Fd directory);
  /// Opens a directory of the host by a trusted path; symlinks in it are followed.
  [[nodiscard]] static Result<RootedDir> open(const std::string& path);

  /// An O_PATH descriptor of what `path` means inside this root: absolute paths and symlinks start here, ".." stops
  /// here, links of procfs to objects are refused (openat2(2) RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS; before Linux 5.6 a
  /// walk with the same answers). The error is Kind::plant and keeps the errno; a path that is renamed about all the
  /// time is refused after 128 retries.
  [[nodiscard]] Result<Fd> resolve(std::string_view path) const;
  /// The same, but a symlink in the last component is opened itself, not followed (R06).
  [[nodiscard]] Result<Fd> resolve_entry(std::string_view path) const;

  /// The directory, borrowed.
  [[nodiscard]] int get() const { return dir_.get(); }

 private:
  explicit RootedDir(Fd dir) : dir_(std::move(dir)) {}
  Fd dir_;
};

}  // namespace xc::sys
