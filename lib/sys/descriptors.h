// What a process inherited and must not keep (R08, R11, R12). Runs at the start of hooks, shim and worker.
#pragma once

#include <span>

#include "base/result.h"

namespace xc::sys {

/// Closes every descriptor from 3 up except those in `keep` (any order). close_range(2); before Linux 5.9, or where it
/// is filtered, one by one after /proc/self/fd. The caller holds no Fd on anything that is closed here.
[[nodiscard]] Result<> close_all_but(std::span<const int> keep);

}  // namespace xc::sys
