// How our programs begin. Thin, so that mains need not know the kernel's room.
#pragma once

#include <string_view>

#include "base/result.h"

namespace xc::app {

/// xc-hook and xc-precreate: log to standard error, forget environment, signals and stray descriptors
/// (sys::start_clean).
[[nodiscard]] Result<> start_as_hook(std::string_view program = "xc-hook");

/// xc-shim: the same, but keeps the descriptors that stand at shim::Places.
[[nodiscard]] Result<> start_as_shim();

/// xc-inject: log to standard error; a reader of our output that leaves is no reason to die.
void start_for_a_person();

/// The error as the program's last line; its exit status.
[[nodiscard]] int finish(const Result<>& outcome);

}  // namespace xc::app
