// What the calling process keeps mapped of its own program. Runs in the monitor and the worker; touches no data.
#pragma once

namespace xc::sys {

/// Unmaps the pages of the program's code and constants: those that are used again come back from the page cache, the
/// others, start-up and parsing, no longer count as this process's memory (madvise(2), MADV_DONTNEED on pages that were
/// never written). Costs microseconds; a failure changes nothing.
void forget_program_pages();

}  // namespace xc::sys
