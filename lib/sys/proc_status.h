// /proc/PID/status (proc_pid_status(5)), and /proc/PID/fdinfo, which is written alike: "Key:<tab>value" in lines. Runs
// in hooks, the monitor and xc-inject. What stands there is the kernel's own, but for the name of the program, whose
// line feeds the kernel writes as "\n".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace xc::sys {

/// The status of a process: that of /proc/PID `directory`, or the file `name` below another one.
[[nodiscard]] Result<std::string> read_status(int directory, const std::string& name = "status");

/// What stands behind "key:<tab>" in the line of `key`; nothing when the kernel writes no such line.
[[nodiscard]] std::optional<std::string_view> status_value(std::string_view status, std::string_view key);

/// The same as a number, the first where there are several ("Uid").
[[nodiscard]] std::optional<std::uint64_t> status_number(std::string_view status, std::string_view key);

/// A set in hexadecimal digits: of capabilities ("CapBnd", bit N = capability N) or of signals ("SigPnd", bit N-1 =
/// signal N).
[[nodiscard]] std::optional<std::uint64_t> status_mask(std::string_view status, std::string_view key);

}  // namespace xc::sys
