// A device node on a file system of our own, ready to be put into a container. Runs in the hook, before anything is
// entered: a node on a file system that the container mounted is no way to a device there (SB_I_NODEV), and the host's
// own node would bring the host's owner and mode along.
#pragma once

#include <sys/types.h>

#include "base/result.h"
#include "sys/child.h"
#include "sys/mounts.h"
#include "sys/owner.h"

namespace xc::sys {

/// The number of a character device.
struct DeviceNumber {
  unsigned major = 0;
  unsigned minor = 0;
};

/// A node of `owner` and `mode`, alone on a small tmpfs that is mounted nowhere: it lives as long as a mount of the
/// tree does. Needs open_tree(2), Linux 5.2.
[[nodiscard]] Result<Tree> stage_node(DeviceNumber number, mode_t mode, Owner owner, Deadline deadline);

}  // namespace xc::sys
