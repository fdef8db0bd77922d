// One life of one process. Structs only.
#pragma once

#include <cstdint>

namespace xc::model {

/// A pid alone may be anybody's tomorrow; with the start time it names one process for ever (R05).
struct Instance {
  std::int64_t pid = 0;
  std::uint64_t start_time = 0;  ///< clock ticks since boot: field 22 of /proc/PID/stat
};
template <class A>
void fields(A& a, Instance& i) {
  a("pid", i.pid);
  a("start-time", i.start_time);
}

}  // namespace xc::model
