// Where a thing may be planted at all (R02). Runs in the planting child, inside the container's mount namespace.
#pragma once

#include "base/result.h"
#include "sys/proc.h"

namespace xc::sys {

/// Checks one resolved directory of a container, borrowed: it must lie on a file system for ordinary files (procfs,
/// sysfs, cgroups, FUSE, the host's devtmpfs and their kin would answer a mkdir with something else than a directory of
/// the container, or with nothing), and on a mount that does not propagate to another mount namespace. The mount must
/// belong to the calling process's mount namespace. A check that cannot be made is a refusal.
[[nodiscard]] Result<> check_ground(const Proc& proc, int directory);

/// The same for one file (borrowed) that something is to be mounted on: it may be a mount of its own, so its directory
/// tells nothing.
[[nodiscard]] Result<> check_ground_of_file(const Proc& proc, int file);

}  // namespace xc::sys
