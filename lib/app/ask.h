// The other end of a shim's two sockets: what it says of itself, and what root asks of it. Runs in xc-inject and in
// hooks.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "registry/state_dir.h"
#include "shim/order.h"
#include "shim/status.h"

namespace xc::app {

/// What the shim of entry `key` says of itself; an error when there is none, or none that answers within two seconds.
[[nodiscard]] Result<shim::Status> ask_status(const registry::StateDir& state, const std::string& key);

/// Has the shim of entry `key` carry out `order`, with `descriptors` (borrowed); its error is ours. Kind::again when it
/// does not answer within two seconds: what it did then is not known.
[[nodiscard]] Result<> give_order(const registry::StateDir& state, const std::string& key, const shim::Order& order,
                                  std::span<const int> descriptors);

}  // namespace xc::app
