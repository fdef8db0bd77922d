// One event of a trace as a line for a person: each protocol as its own tools show it. Runs in
// xc-inject. Everything it is given came from a process that reads hostile bytes.
#pragma once

#include <string>

#include "model/event.h"

namespace xc::app {

/// The same event with every text made printable, and cut where nothing of ours is so long.
[[nodiscard]] model::Event cleaned(model::Event event);

/// "12:00:00.000123 box/modem-api  GET /v1/status  200  1.2 ms  ..." and its end of line; with `payload`, a hexadecimal
/// dump below it. The event must be clean. `colour`: with escape sequences of a terminal.
[[nodiscard]] std::string line_of(const model::Event& event, bool colour);

}  // namespace xc::app
