// Directories whose entries are numbers: processes and descriptors in procfs. Runs wherever procfs is read.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "sys/proc.h"

namespace xc::sys {

/// The entries of `directory` (borrowed, opened for reading, at its beginning) that are decimal numbers; others are
/// left out.
[[nodiscard]] Result<std::vector<std::uint64_t>> list_numbers(int directory);

/// The processes of the pid namespace that this procfs shows.
[[nodiscard]] Result<std::vector<std::uint64_t>> list_processes(const Proc& proc);

}  // namespace xc::sys
