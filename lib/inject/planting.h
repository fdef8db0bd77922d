// Links made to appear inside a container, and their removal: one forked child for all of them, inside the
// container's mount namespace, under a deadline (a file system of the container may hang). Runs in the hook.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "inject/container.h"
#include "model/link.h"
#include "sys/child.h"
#include "sys/mounts.h"
#include "sys/planted_file.h"
#include "sys/unix_socket.h"

namespace xc::inject {

/// Whether a link at this place is a file in the container: a path, or the rendezvous socket of "fd:NAME".
[[nodiscard]] bool is_file(std::string_view place);

/// Whether its listener is in our state directory: a file's, or that of a redirected connect(2).
[[nodiscard]] bool lies_with_us(std::string_view place);

/// One link to plant.
struct Planting {
  std::vector<std::string>
      places;  ///< tried in order: files inside the container, names and ports in its network namespace
  std::optional<sys::Tree> tree;                   ///< what appears at a path; there must be one when a place is a file
  sys::SocketKind kind = sys::SocketKind::stream;  ///< of the listener at a name
  bool padded = false;                             ///< of a name
  bool required = true;
  mode_t directories = 0755;  ///< of those made on the way to a path
  std::string refusal{};      ///< why there is no place for it, when that was known before
};

/// What became of one planting: a place, or why there is none.
struct Outcome {
  std::string place;                        ///< empty: nowhere
  std::optional<sys::Planted> planted;      ///< when it is a path
  std::vector<model::Attempt> passed_over;  ///< places that failed before it
  Fd held;  ///< the listener of a name, non-blocking; the directory that a path lies in; none of what is redirected
};
template <class A>
void fields(A& a, Outcome& o) {
  a("place", o.place);
  a("planted", o.planted);
  a("passed-over", o.passed_over);
}

/// "/run/x: why; /tmp/x: why"
[[nodiscard]] std::string sentence_of(const std::vector<model::Attempt>& attempts);

/// Plants all, in order, each at the first place that takes it. When a required one fails everywhere, or anything fails
/// for a reason that no other place mends, those before it are taken away again and the error says why.
[[nodiscard]] Result<std::vector<Outcome>> plant_all(const sys::Proc& proc, const HeldContainer& container,
                                                     const std::vector<Planting>& plantings, sys::Deadline deadline);

/// Takes away what was planted, last first.
[[nodiscard]] Result<> take_away(const sys::Proc& proc, const HeldContainer& container,
                                 const std::vector<sys::Planted>& planted, sys::Deadline deadline);

}  // namespace xc::inject
