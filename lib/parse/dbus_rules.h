// Reads what may be done on a bus: the words of xdg-dbus-proxy and ours, in roles and in what a consumer asks for.
// Strict: a misspelt restriction must not be ignored, it would grant.
#pragma once

#include "model/service.h"
#include "parse/field.h"

namespace xc::parse {

inline constexpr std::size_t most_rules = 256;  ///< in one list of one role

/// "all", or an object of lists of words, "rules" in the long form, and switches.
[[nodiscard]] Result<model::DbusRules> read_dbus(View view);

}  // namespace xc::parse
