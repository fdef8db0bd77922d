// The whole life of the program xc-shim: takes what the hook put at its places, serves, leaves nothing behind.
#pragma once

#include "base/fd.h"
#include "base/result.h"

namespace xc::shim {

/// Runs as the monitor of one container until its init is gone. Descriptors must stand at shim::Places.
[[nodiscard]] Result<> live_as_monitor();

/// A signalfd for SIGTERM, SIGINT and SIGHUP, which are blocked from here on.
[[nodiscard]] Result<Fd> watch_signals();

}  // namespace xc::shim
