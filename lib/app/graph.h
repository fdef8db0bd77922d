// xc-inject graph: who is linked with whom, from four sources. Runs in xc-inject; documents are parsed by the reader's
// child.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/graph.h"

namespace xc::app {

/// What runs: links of living containers, each with whoever offers its service at this moment.
[[nodiscard]] Result<model::Graph> graph_of_state(const std::string& state, const std::string& config);

/// What manifests say: directories of containers with run.json, args.json and services.json, a directory that holds
/// such directories (a trail of Pantavisor), and the host's own services. Nobody is asked; pids are -1.
[[nodiscard]] Result<model::Graph> graph_of_files(const std::vector<std::string>& directories,
                                                  const std::string& config);

/// Pantavisor's JSON in a file; "-" is standard input.
[[nodiscard]] Result<model::Graph> graph_in_file(const std::string& file);

/// Pantavisor's JSON from its pv-ctrl socket (HTTP/1.0, GET /xconnect-graph). Kind::again after five seconds.
[[nodiscard]] Result<model::Graph> graph_of_pv_ctrl(const std::string& socket);

/// The picture that graphviz makes of DOT; Kind::usage when graphviz is not there.
[[nodiscard]] Result<std::string> svg_of(const std::string& dot);

}  // namespace xc::app
