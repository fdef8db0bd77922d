// Reads one of our own JSON Schemas for its words, at build time. Judges nothing by it.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/schema_page.h"

namespace xc::parse {

/// Title, description, and every key that is described, in the schema's order.
[[nodiscard]] Result<model::SchemaPage> parse_schema_page(std::string_view text, std::string_view file);

}  // namespace xc::parse
