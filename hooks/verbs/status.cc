// xc-inject ps, status.
#include "verbs/verbs.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "app/look.h"
#include "base/json_out.h"

namespace xc::verbs {

namespace {

void add_named(CLI::App& app, const char* name, const char* about, int& status) {
  struct Options {
    std::string container;
    std::string state = "/run/xconnect";
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  auto* verb = app.add_subcommand(name, about);
  verb->add_option("CONTAINER", options->container, "only this one");
  verb->add_option("--state", options->state, "state directory")->capture_default_str();
  verb->add_flag("--json", options->json, "as JSON, with every counter and reason");
  verb->callback([options, &status] {
    const auto seen = app::see(options->state, options->container);
    status = !seen ? complain(seen.error()) : print(options->json ? to_json(*seen) + "\n" : app::table_of(*seen));
  });
}

}  // namespace

void add_status(CLI::App& app, int& status) {
  add_named(app, "ps", "containers and their links", status);
  add_named(app, "status", "the same; with --json every counter and reason", status);
}

}  // namespace xc::verbs
