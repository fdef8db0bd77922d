// Reads Pantavisor's xconnect-graph. Runs in the reader's child.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/graph.h"

namespace xc::parse {

/// The JSON list that pv-ctrl answers GET /xconnect-graph with. Keys that are absent or null keep their defaults.
[[nodiscard]] Result<model::Graph> parse_graph(std::string_view text, std::string_view file);

}  // namespace xc::parse
