// xc-inject render.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "app/render.h"
#include "verbs/verbs.h"

namespace xc::verbs {

void add_render(CLI::App& app, int& status) {
  struct Options {
    std::string args;
    std::string form;
  };
  auto options = std::make_shared<Options>();
  auto* verb = app.add_subcommand("render", "make a run.json of an args.json, on a build machine");
  verb->add_option("ARGS", options->args, "the args.json")->required();
  verb->add_option("--template", options->form, "run.json with ${args.KEY} or ${args.KEY:-else} in its strings");
  verb->footer(
      "A string that is one place takes the value as it is, or goes with its member when there is none. The lists\n"
      "PV_SERVICES_REQUIRED and PV_SERVICES_OPTIONAL become services.required and services.optional.\n\n"
      "Example:\n"
      "  xc-inject render args.json --template run.json.in > run.json");
  verb->callback([options, &status] {
    const auto text = app::render(options->args, options->form);
    status = text ? print(*text) : complain(text.error());
  });
}

}  // namespace xc::verbs
