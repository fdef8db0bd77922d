// Which directory is a container's root, at whatever moment of its start we are called (R07). Runs in the hook, before
// it enters anything, and in the monitor for the provider's side.
#pragma once

#include <string>

#include "base/result.h"
#include "sys/process.h"
#include "sys/rooted_dir.h"

namespace xc::sys {

/// The root of the container whose init is `process`, seen through its mount namespace. The kernel's word decides, not
/// the engine's: while init's "/" still is the host's (OCI createRuntime, before pivot_root) it is `host_path`, which
/// must be a mount point in that namespace (runtimes bind a root on itself); afterwards (LXC start-host, a running
/// container) it is init's "/", and `host_path` is not looked at. Refused: a process in our own mount namespace, a host
/// path that is no mount root, a "/" that is none (chroot). Errors are Kind::plant or Kind::kernel.
[[nodiscard]] Result<RootedDir> open_container_root(const Proc& proc, const Process& process,
                                                    const std::string& host_path);

}  // namespace xc::sys
