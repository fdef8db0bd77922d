// Runs a program of the host and takes what it says. For xc-inject doctor alone; hooks and shims start nobody else's
// programs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/child.h"

namespace xc::sys {

/// Where `program` is found by PATH; empty when it is not.
[[nodiscard]] std::string find_program(const std::string& program);

/// Standard output of `words`, at most 64 KiB, with `input` on its standard input and the environment of ours. An error
/// when it cannot be started, ends with another code than 0, or has not ended by `deadline` (it is killed then).
[[nodiscard]] Result<std::string> output_of(const std::vector<std::string>& words, Deadline deadline,
                                            std::string_view input = {});

}  // namespace xc::sys
