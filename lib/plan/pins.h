// A place that a variable of the container names already: xc-precreate sets the variable before anything can be tried,
// so the link must come to that place or nowhere. It says so in an annotation, which the hook reads. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "model/link.h"

namespace xc::plan {

/// What the annotation says of a link: its service, role and place.
[[nodiscard]] std::string pin_of(const model::Link& link);

/// The place that an annotation promises for the link; nothing when none does.
[[nodiscard]] std::optional<std::string> pinned_place(const std::map<std::string, std::string>& annotations,
                                                      const model::Link& link);

/// Leaves the link that place alone. Kind::plant when it is none of those it might have: an annotation may come from
/// the image, and opens no place.
[[nodiscard]] Result<> keep_promise(const std::optional<std::string>& place, model::Link& link);

}  // namespace xc::plan
