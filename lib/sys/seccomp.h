// System call filters (seccomp(2)), made at build time from lib/sys/filters/*.list.
#pragma once

#include <cstddef>

#include "base/result.h"

namespace xc::sys {

enum class Filter { worker, reader, agent };

/// Confines the calling process to the filter's list for good; any other call kills it with SIGSYS.
/// Sets no_new_privs first. An error means that nothing is confined.
[[nodiscard]] Result<> install_filter(Filter filter);

}  // namespace xc::sys
