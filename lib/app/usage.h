// What processes of ours cost: processor time and memory. Runs in xc-inject.
#pragma once

#include <cstdint>

namespace xc::app {

struct Usage {
  std::uint64_t microseconds = 0;  ///< of a processor, since the process began
  std::uint64_t pss = 0;           ///< bytes: its own pages, and its share of those it shares (proc_pid_smaps(5))
};

/// Of the process `pid`; nothing of what cannot be seen, as when it has ended.
[[nodiscard]] Usage usage_of(std::int64_t pid);

}  // namespace xc::app
