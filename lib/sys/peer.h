// Does a process that connected belong to a container? Runs in the monitor, in the host's pid namespace, because only
// there numbers mean something (R21, R36). An extra check: identity itself is the listener that accepted.
#pragma once

#include "base/result.h"
#include "sys/process.h"

namespace xc::sys {

/// True when `peer` lives in the container whose first process is `init`. If init is the first process of a pid
/// namespace other than ours, the peer's pid namespace must be that one or lie below it. If not (the container shares a
/// pid namespace), the peer's cgroup must be init's or lie below it, in every hierarchy in which init has a group of
/// its own: not the root group, and none that we ourselves sit in. When there is none the answer is false. Both must be
/// alive at the end.
[[nodiscard]] Result<bool> belongs_to(const Proc& proc, const Process& peer, const Process& init);

}  // namespace xc::sys
