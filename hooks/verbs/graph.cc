// xc-inject graph.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "app/graph.h"
#include "plan/draw.h"
#include "verbs/verbs.h"

namespace xc::verbs {
namespace {

struct Options {
  std::vector<std::string> directories;
  std::string state = "/run/xconnect";
  std::string config;
  std::string read;
  std::string ctrl;
  bool dot = false;
  bool svg = false;
  bool json = false;
};

Result<model::Graph> graph_of(const Options& options) {
  if (!options.read.empty()) return app::graph_in_file(options.read);
  if (!options.ctrl.empty()) return app::graph_of_pv_ctrl(options.ctrl);
  if (!options.directories.empty()) return app::graph_of_files(options.directories, options.config);
  return app::graph_of_state(options.state, options.config);
}

Result<std::string> drawn(const Options& options) {
  const auto graph = XC_TRY(graph_of(options));
  if (options.json) return plan::draw_json(graph);
  if (options.svg) return app::svg_of(plan::draw_dot(graph));
  return options.dot ? plan::draw_dot(graph) : plan::draw_tree(graph);
}

}  // namespace

void add_graph(CLI::App& app, int& status) {
  auto options = std::make_shared<Options>();
  auto* verb = app.add_subcommand("graph", "who is linked with whom: a tree, DOT, SVG, or Pantavisor's xconnect-graph");
  auto* directories =
      verb->add_option("DIR", options->directories,
                       "directories of containers' manifests, or of such directories, instead of what runs");
  verb->add_option("--state", options->state, "state directory")->capture_default_str();
  verb->add_option("--config", options->config, "host policy and services (default: /etc/xconnect)");
  auto* read = verb->add_option("--read", options->read, "Pantavisor's JSON in this file (- is standard input)");
  auto* ctrl = verb->add_option("--pv-ctrl", options->ctrl, "Pantavisor's JSON from this socket");
  read->excludes(directories);
  ctrl->excludes(directories)->excludes(read);
  auto* dot = verb->add_flag("--dot", options->dot, "in the language of graphviz");
  auto* svg = verb->add_flag("--svg", options->svg, "a picture, made by graphviz");
  auto* json = verb->add_flag("--json", options->json, "as pv-ctrl would say it");
  svg->excludes(dot);
  json->excludes(dot)->excludes(svg);
  verb->footer(
      "Examples:\n"
      "  xc-inject graph\n"
      "  xc-inject graph --svg /storage/trails/current > links.svg\n"
      "  xc-inject graph --pv-ctrl /run/pantavisor/pv/pv-ctrl");
  verb->callback([options, &status] {
    const auto text = drawn(*options);
    status = text ? print(*text) : complain(text.error());
  });
}

}  // namespace xc::verbs
