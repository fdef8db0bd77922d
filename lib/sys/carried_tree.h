// A mount made in a child, which is in another mount namespace than its caller, and handed back by descriptor.
#pragma once

#include <functional>

#include "base/result.h"
#include "sys/child.h"
#include "sys/mounts.h"

namespace xc::sys {

/// Runs `make` in a forked child (run_child()) and takes its tree over. ENOSYS on kernels without open_tree(2), whose
/// mounts mean nothing elsewhere.
[[nodiscard]] Result<Tree> tree_from_child(const std::function<Result<Tree>()>& make, Deadline deadline);

}  // namespace xc::sys
