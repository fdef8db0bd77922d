// Where an engine connects that does so before its container exists, and so before the container has a shim: crun looks
// for linux.seccomp.listenerPath first of all. A small process listens for it until the shim comes and takes the
// listener over, with whoever waits there. Started by xc-precreate and `xc-inject hooks await`; the other half runs in
// the monitor.
#pragma once

#include <chrono>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "registry/state_dir.h"

namespace xc::shim {

/// A process of its own that listens for the engine of container `name`, at most for `patience`. It listens already
/// when this returns. EADDRINUSE when somebody does so already.
[[nodiscard]] Result<> open_waiting_room(const registry::StateDir& state, const std::string& name,
                                         std::chrono::seconds patience);

/// The listener for the engine of container `name`: from its waiting room, which ends, or a new one. A socket of a shim
/// that was killed is replaced; EADDRINUSE when the name is another living shim's.
[[nodiscard]] Result<Fd> listen_for_engine(const registry::StateDir& state, const std::string& name);

/// Ends the waiting room of a container that will not be; nothing happens when a shim has taken it over, or none is
/// there.
void close_waiting_room(const registry::StateDir& state, const std::string& name);

}  // namespace xc::shim
