// Who else lives in a container's network namespace, such as the other members of a pod. Runs in the hook.
#pragma once

#include "base/result.h"
#include "sys/process.h"

namespace xc::sys {

/// True when a process that does not belong to the container of `init` (belongs_to) lives in its network namespace,
/// `net`, which is borrowed. Looks at every process once; one that ends meanwhile is nobody's neighbour, and
/// one that we may not look at has more rights than we have.
[[nodiscard]] Result<bool> has_net_neighbours(const Proc& proc, const Process& init, const Fd& net);

}  // namespace xc::sys
