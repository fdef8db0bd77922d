// Reads what a role may do with a Wayland display. Runs where documents are parsed.
#pragma once

#include "model/wayland.h"
#include "parse/field.h"

namespace xc::parse {

/// The name of a role, a list of such names, or an object with "roles", "add", "remove", "app-id" and "title".
[[nodiscard]] Result<model::WaylandRules> read_wayland(View view);

/// Whether documents can hold these rules, for structs that came from another process.
[[nodiscard]] bool is_wayland(const model::WaylandRules& rules);

}  // namespace xc::parse
