// The host's own device node, to be shown in the container of an ordinary user, who can make none. Runs in a hook that
// podman called in a user namespace. It opens for whom the host lets open it, and for nobody else.
#pragma once

#include <string>

#include "base/result.h"
#include "sys/child.h"
#include "sys/mounts.h"
#include "sys/staged_node.h"

namespace xc::sys {

/// The node /dev/NAME of that number. Refused, as Kind::plant, unless the user may read and write it: by owner, mode or
/// access list, or, where the container keeps the user's groups (`with_groups`), by one of those.
[[nodiscard]] Result<Tree> lend_node(const std::string& name, DeviceNumber number, bool with_groups, Deadline deadline);

}  // namespace xc::sys
