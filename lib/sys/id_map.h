// How a user namespace numbers users: /proc/PID/uid_map and gid_map (user_namespaces(7)). Runs in the hook.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/namespaces.h"
#include "sys/owner.h"
#include "sys/process.h"

namespace xc::sys {

class IdMap {
 public:
  /// The lines "inside outside count".
  [[nodiscard]] static Result<IdMap> parse(std::string_view text);
  /// The map `name` ("uid_map", "gid_map") of the process whose /proc/PID is `directory`. Errors begin with the name.
  [[nodiscard]] static Result<IdMap> read(int directory, const std::string& name);
  /// Our number for `inside`; nothing when it has none.
  [[nodiscard]] std::optional<std::uint32_t> to_host(std::uint32_t inside) const;
  /// Whether some number inside means our number `outside`.
  [[nodiscard]] bool has(std::uint32_t outside) const;
  /// The highest number inside; 0 of an empty map.
  [[nodiscard]] std::uint32_t highest() const;

 private:
  struct Range {
    std::uint64_t inside = 0;
    std::uint64_t outside = 0;
    std::uint64_t count = 0;
  };
  std::vector<Range> ranges_;
};

/// Our numbers for uid 0 and gid 0 of the container whose init is `process`. 0:0 when it shares our user namespace
/// (then the map must not be applied: read from inside it tells the parent's numbers). An error when its root has no
/// number here.
[[nodiscard]] Result<Owner> owner_of_root(const Proc& proc, const Process& process, const Namespaces& of_process);

/// The same for any user and group that the container numbers `inside`.
[[nodiscard]] Result<Owner> owner_on_host(const Proc& proc, const Process& process, const Namespaces& of_process,
                                          Owner inside);

}  // namespace xc::sys
