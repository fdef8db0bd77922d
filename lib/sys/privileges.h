// What a process of ours may still do: a clean start, and the ways down. There is no way up.
#pragma once

#include <sys/types.h>

#include <initializer_list>

#include "base/result.h"

namespace xc::sys {

/// First act of every program a container engine starts (R08): forgets the environment, resets signal mask and
/// dispositions, makes descriptors 0-2 valid, closes those from `first_closed` on, umask 022, working directory "/",
/// not dumpable. SIGPIPE and SIGXFSZ are ignored from here on. A hook started by crun has every signal blocked; one
/// started by runc's createContainer stage has the engine's own pipes open.
[[nodiscard]] Result<> start_clean(unsigned first_closed = 3);

/// Descriptors 0-2 on /dev/null, own session: what a process that outlives its engine needs (R11).
[[nodiscard]] Result<> detach_from_caller();

/// Gives up every capability but those in `keep` (CAP_* of capability(7)), from bounding, ambient, effective,
/// permitted and inheritable sets; a process that lacks one of `keep` already just has fewer.
[[nodiscard]] Result<> keep_capabilities(std::initializer_list<int> keep);

/// No capability, no_new_privs, locked securebits, small resource limits; for a process that handles hostile bytes.
/// `descriptors` is its RLIMIT_NOFILE.
[[nodiscard]] Result<> drop_everything(unsigned descriptors);

}  // namespace xc::sys
