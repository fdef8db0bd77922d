// Whole small files by directory descriptor: procfs, cgroups, state, manifests. Runs in hooks, their children and the
// monitor; never waits on a file (a FIFO or a slow device is refused), never reads without a limit (R15, R16).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace xc::sys {

/// The contents of the regular file `name` below the borrowed `directory` (AT_FDCWD works, and an absolute name).
/// A file of more than `limit` bytes is an error, not a cut. The last component is not followed when it is a symlink.
[[nodiscard]] Result<std::string> read_file(int directory, const std::string& name, std::size_t limit);

/// Writes `text` in one write(2) to a file that exists, as procfs and cgroupfs ask for.
[[nodiscard]] Result<> write_file(int directory, const std::string& name, std::string_view text);

}  // namespace xc::sys
