// The card that leases come from. Only one open file can be a card's master, and a lease is worth nothing while another
// one is: so all monitors that lease from a card share one open file. Who comes later takes it from who has it
// (pidfd_getfd(2)); no process has to be there for the others. Runs in the monitor.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "model/device.h"
#include "registry/state_dir.h"

namespace xc::shim {

/// An open file of the card that is its master, shared with every other monitor of this state directory that leases
/// from it. Where it can be found by others is written into our entry `key`, which goes when the entry goes.
[[nodiscard]] Result<Fd> open_shared_card(const registry::StateDir& state, const std::string& key,
                                          const model::Device& device);

}  // namespace xc::shim
