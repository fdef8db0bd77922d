// The hook: read, survey, plan, apply, launch.
#pragma once

#include "app/call.h"
#include "base/result.h"

namespace xc::app {

/// From now on log lines go to the file the options name as well.
[[nodiscard]] Result<> open_log(const HookOptions& options);

/// For a hook that ends before it does anything: what the engine says on standard input is read to its end, within a
/// second. crun dies of SIGPIPE, and leaves its container's state, when nobody listens.
void hear_out();

/// Does what `call` asks for; afterwards the container has exactly what it was granted, or on an error nothing of ours.
/// The process must have been cleaned (sys::start_clean).
[[nodiscard]] Result<> run_hook(const Call& call);

}  // namespace xc::app
