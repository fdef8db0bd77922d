// Sockets made to appear inside a container, and their removal: one forked child for all of them, inside the
// container's mount namespace, under a deadline (a file system of the container may hang). Runs in the hook.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "inject/container.h"
#include "sys/child.h"
#include "sys/mounts.h"
#include "sys/planted_file.h"

namespace xc::inject {

/// One thing to plant.
struct Planting {
  std::string target;  ///< path inside the container
  sys::Tree tree;
  bool required = true;
};

/// What became of one planting: `planted`, or why not.
struct Outcome {
  std::optional<sys::Planted> planted;
  std::string reason;
};
template <class A>
void fields(A& a, Outcome& o) {
  a("planted", o.planted);
  a("reason", o.reason);
}

/// Plants all, in order. When a required one fails, those before it are taken away again and the error is its reason.
[[nodiscard]] Result<std::vector<Outcome>> plant_all(const sys::Proc& proc, const HeldContainer& container,
                                                     const std::vector<Planting>& plantings, sys::Deadline deadline);

/// Takes away what was planted, last first.
[[nodiscard]] Result<> take_away(const sys::Proc& proc, const HeldContainer& container,
                                 const std::vector<sys::Planted>& planted, sys::Deadline deadline);

}  // namespace xc::inject
