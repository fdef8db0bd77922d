// The messages between monitor and worker, downwards: a connected pair, whom to tell about them, or that there will be
// no more. Nothing ever comes back.
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
  Fd observer;           ///< alone: a socket for the lines of mediate/observer.h
  bool payload = false;  ///< whoever reads there wants to see what messages carry
  bool last = false;     ///< alone: no pair will follow; observers may
};

/// Hands the pair over; the descriptors stay the caller's and are to be closed. False when the worker's queue is full.
[[nodiscard]] Result<bool> send_handover(int control, const Handover& handover);

/// Hands an observer's socket over, which stays the caller's. False when the worker's queue is full.
[[nodiscard]] Result<bool> send_observer(int control, int socket, bool payload);

/// Says that no pair will follow. False when the worker's queue is full.
[[nodiscard]] Result<bool> send_last(int control);

/// Whether a message waits at a worker's end of the socket.
[[nodiscard]] bool has_message(int queue);

/// The next message; nullopt when the monitor has closed its end.
[[nodiscard]] Result<std::optional<Handover>> receive_handover(int control);

}  // namespace xc::shim
