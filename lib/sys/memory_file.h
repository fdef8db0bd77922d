// Files that can be mapped and read without waiting for anybody: of what compositors map for their clients. Runs in the
// worker, within its filter. Whose file a descriptor is, is its sender's choice.
#pragma once

#include <cstdint>
#include <optional>

namespace xc::sys {

/// Size in bytes of the regular file `descriptor` (borrowed) when it lies in memory (a memfd, a tmpfs) or on a disk of
/// this machine. Empty for everything else: a page of it may have to be fetched from a network or a program (FUSE), and
/// whoever touches it waits.
[[nodiscard]] std::optional<std::uint64_t> memory_size(int descriptor);

}  // namespace xc::sys
