// What the errno of a failed attempt means for a link that has further places (spec 3): the one table. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace xc::inject {

enum class Next : std::uint8_t {
  next_place,  ///< this place is unfit; the next one may do
  stop,        ///< the reason holds for every place: the host lacks something, time is over, or we have a defect
};

/// Refusals in words of our own without an errno (a mount that is shared, a file system that is no place for sockets)
/// concern the place. An errno that the table does not know stops: trying on without understanding is no strategy.
[[nodiscard]] Next after(const Error& error);

/// What the errno says of the place, in the words of a person; empty when the table does not know it.
[[nodiscard]] std::string_view meaning_of(int code);

}  // namespace xc::inject
