// How a hook, or a person at a running container, starts the shim. Runs in both.
#pragma once

#include <vector>

#include "inject/injector.h"
#include "model/link.h"
#include "model/plan.h"

namespace xc::app {

/// Of what the host offers, the services these links name.
[[nodiscard]] std::vector<model::Offered> relevant(const std::vector<model::Offered>& host,
                                                   const std::vector<model::Link>& links);

/// Starts a shim for all links of a record. The references outlive it.
[[nodiscard]] inject::Launch launcher(const std::vector<model::Offered>& host, const registry::StateDir& state,
                                      const inject::HeldContainer& held, sys::Deadline deadline);

}  // namespace xc::app
