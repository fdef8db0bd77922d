// What symbolic links say (readlink(2)), and with those of procfs what the kernel calls an open descriptor. Runs in
// hooks, their children, the monitor and xc-inject.
#pragma once

#include <string>

#include "base/result.h"
#include "sys/proc.h"

namespace xc::sys {

/// Where the link `name` below `directory` leads, at most PATH_MAX bytes; an empty name is `directory` itself, opened
/// with O_PATH | O_NOFOLLOW.
[[nodiscard]] Result<std::string> read_link(int directory, const std::string& name);

/// The kernel's name for a descriptor of this process, which never left the host's mount namespace: an absolute path,
/// or words such as "anon_inode:[eventpoll]".
[[nodiscard]] Result<std::string> name_of_descriptor(int descriptor);

/// The same of a process that may have entered a container's mount namespace.
[[nodiscard]] Result<std::string> name_of_descriptor(const Proc& proc, int descriptor);

}  // namespace xc::sys
