// Path resolution inside a root for kernels before 5.6, which have no openat2(2). Used by rooted_dir only.
#pragma once

#include <expected>
#include <string_view>

#include "base/fd.h"

namespace xc::sys {

enum class LastLink { follow, keep };  ///< what to do when the last component is a symlink

/// `path` below the directory `root`, as openat2(2) with O_PATH and RESOLVE_IN_ROOT|RESOLVE_NO_MAGICLINKS gives it:
/// absolute paths and symlinks start at `root`, ".." stops there, at most 40 symlinks. The error is an errno.
/// Never opens ".." and never follows a symlink in the kernel, so a concurrent rename cannot lead it out.
/// It differs in one thing: fs.protected_symlinks is not applied.
[[nodiscard]] std::expected<Fd, int> walk_in_root(int root, std::string_view path, LastLink last);

}  // namespace xc::sys
