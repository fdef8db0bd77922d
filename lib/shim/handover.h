// The one message between monitor and worker: a connected pair, downwards. Nothing ever comes back.
#pragma once

#include <optional>

#include "base/fd.h"
#include "base/result.h"
#include "mediate/mediator.h"

namespace xc::shim {

/// A client, and the provider it was connected to unless `upstream` says otherwise.
struct Handover {
  mediate::Upstream upstream = mediate::Upstream::connected;
  Fd client;
  Fd server;
};

/// Hands the pair over; the descriptors stay the caller's and are to be closed. False when the worker's queue is full.
[[nodiscard]] Result<bool> send_handover(int control, const Handover& handover);

/// The next pair; nullopt when the monitor has closed its end.
[[nodiscard]] Result<std::optional<Handover>> receive_handover(int control);

}  // namespace xc::shim
