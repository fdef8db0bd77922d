// The unprivileged half of the shim: takes connected pairs from the monitor and mediates them. One worker serves one
// link, so everything it can reach is what that link was granted.
#pragma once

#include <cstdint>

#include "base/fd.h"
#include "base/result.h"
#include "grant/effective.h"
#include "model/link.h"
#include "shim/page.h"

namespace xc::shim {

/// What a worker must know; it is forked with it. The references outlive run_worker().
struct Duty {
  const std::string& client;  ///< identity of the container
  const model::Link& link;
  const grant::Effective& effective;  ///< kind of service, and rights
  Page& page;
};

/// Whether bytes of this type pass unread, and how many descriptors one message of such a link may carry.
[[nodiscard]] bool is_raw(model::Type type);
[[nodiscard]] std::uint32_t most_descriptors(const grant::Effective& effective);

/// Mediates until the control socket ends. Runs inside the sandbox (shim/sandbox.h): never opens, never connects.
/// Returns only when everything is over, or with what made it give up.
[[nodiscard]] Result<> run_worker(const Duty& duty, Fd control);

}  // namespace xc::shim
