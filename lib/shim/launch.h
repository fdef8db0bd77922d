// From a hook to a running shim. Runs in the hook.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "shim/config.h"

namespace xc::shim {

/// A shim that has said READY and waits for COMMIT. Dropping it without commit() makes the shim undo itself and leave:
/// a hook that is killed before it succeeded leaves no shim behind.
struct Launched {
  Fd hook;  ///< our end of the hand-shake
};

/// The program `name` beside the running one, else in the configured directory; opened now, so that nothing is looked
/// up by path later.
[[nodiscard]] Result<Fd> open_program(const std::string& name);

/// Executes `program` (xc-shim) as a process of its own session with exactly the descriptors of shim::Places, and waits
/// at most `milliseconds` for READY. `listeners` (one for each link), `directories` (config.directories) and `init` are
/// borrowed; our log file goes along.
[[nodiscard]] Result<Launched> launch(const Fd& program, const Config& config, const std::vector<Fd>& listeners,
                                      const std::vector<Fd>& directories, const Fd& init, int milliseconds);

/// Everything else has succeeded: the shim serves from now on.
[[nodiscard]] Result<> commit(Launched launched);

/// The shim's side: says READY, then waits for COMMIT. False when the hook left without it.
[[nodiscard]] bool wait_for_commit(const Fd& hook);

}  // namespace xc::shim
