// Whether we are the machine's root, or an ordinary user who is root in a user namespace (podman calls hooks there),
// and what that user has. Runs in hooks, the monitor and xc-inject. Decides nothing.
#pragma once

#include <sys/types.h>

#include <string>

namespace xc::sys {

/// In a user namespace other than the machine's first: capabilities then hold over what belongs to that namespace, so
/// there are no device nodes to make and no programs of control groups (user_namespaces(7)).
[[nodiscard]] bool among_own_users();

/// True for root of the machine, who can do all that a plan may ask.
[[nodiscard]] bool is_root_of_the_machine();

/// /run/user/UID of an ordinary user, also while it is root in a user namespace; empty for root, and where no login
/// manager has made that directory (mode 0700, the user's own).
[[nodiscard]] std::string runtime_directory();

/// `wanted`, where our user namespace has that user and group, or has none but its root; else the highest it has of
/// both.
[[nodiscard]] uid_t id_we_have(uid_t wanted);

}  // namespace xc::sys
