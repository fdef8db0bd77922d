// What a process inherited and must not keep (R08, R11, R12). Runs at the start of hooks, shim and worker.
#pragma once

#include "base/fd.h"
#include "base/result.h"

namespace xc::sys {

/// Closes every descriptor from `first` on. close_range(2); before Linux 5.9, or where it is filtered, one by one after
/// /proc/self/fd. The caller holds no Fd on anything that is closed here.
[[nodiscard]] Result<> close_from(unsigned first);

/// Another descriptor for the same open file.
[[nodiscard]] Result<Fd> copy_of(const Fd& descriptor);

}  // namespace xc::sys
