// Would a mount made here be seen elsewhere (mount_namespaces(7), shared subtrees)? Runs in the planting child, inside
// the container's mount namespace.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "sys/mountinfo.h"
#include "sys/proc.h"

namespace xc::sys {

/// A process, in another mount namespace than the caller's, that sees a member or a slave of the peer group `group`;
/// nothing when there is none. `own` are the caller's mounts. "Shared" alone says little: LXC makes every mount of a
/// container shared with nobody but itself. A process that cannot be asked is an error.
[[nodiscard]] Result<std::optional<pid_t>> find_outsider(const Proc& proc, const std::vector<Mount>& own,
                                                         std::uint64_t group);

}  // namespace xc::sys
