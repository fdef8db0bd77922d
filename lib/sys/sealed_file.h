// Files in memory that nobody can change any more: what one process hands to another to read (memfd_create(2)).
#pragma once

#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace xc::sys {

/// F_SEAL_WRITE, F_SEAL_GROW, F_SEAL_SHRINK and F_SEAL_SEAL on a file (borrowed) that was made to be sealed.
[[nodiscard]] Result<> seal(const Fd& file);

/// Whether it has all of them; a file that cannot have seals has none.
[[nodiscard]] bool is_sealed(const Fd& file);

/// A sealed file of these bytes; `name` is what /proc/PID/fd shows.
[[nodiscard]] Result<Fd> sealed_file(const char* name, std::string_view bytes);

}  // namespace xc::sys
