// Who is linked with whom: as a tree for a person, as DOT for graphviz, as Pantavisor's JSON. Pure.
#pragma once

#include <string>

#include "model/graph.h"

namespace xc::plan {

/// Consumers, below each its links and who serves them. Printable ASCII.
[[nodiscard]] std::string draw_tree(const model::Graph& graph);

/// A digraph from consumers to providers. Names are quoted as the DOT language asks.
[[nodiscard]] std::string draw_dot(const model::Graph& graph);

/// What pv-ctrl answers to GET /xconnect-graph: a list, with null for a target or socket that nobody named.
[[nodiscard]] std::string draw_json(const model::Graph& graph);

}  // namespace xc::plan
