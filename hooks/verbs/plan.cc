// xc-inject plan.
#include "verbs/verbs.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "app/look.h"
#include "plan/describe.h"

namespace xc::verbs {

void add_plan(CLI::App& app, int& status) {
  auto options = std::make_shared<app::PlanOptions>();
  auto json = std::make_shared<bool>(false);
  options->bundle = ".";
  auto* verb = app.add_subcommand("plan", "what the hook would do for a container, from its files; needs no root");
  verb->add_option("DIR", options->bundle, "bundle (directory of config.json), or directory of the manifests")
      ->capture_default_str();
  verb->add_option("--name", options->name, "name of the container (default: that of the directory)");
  verb->add_option("--run", options->run, "what it asks for, instead of DIR/run.json (absolute path)");
  verb->add_option("--services", options->services, "what it offers, instead of DIR/services.json (absolute path)");
  verb->add_option("--config", options->config, "host policy and services (default: /etc/xconnect)");
  verb->add_flag("--json", *json, "as JSON");
  verb->footer(
      "Exit status: 0 when the container would start, else what the hook would end with: 77 policy, 78 manifest.\n\n"
      "Examples:\n"
      "  xc-inject plan ./bundle\n"
      "  xc-inject plan /var/lib/lxc/dialer --config ./etc-xconnect --json");
  verb->callback([options, json, &status] {
    const auto plan = app::plan_from_files(*options);
    status = !plan ? complain(plan.error()) : print(*json ? plan::describe_json(*plan) + "\n" : plan::describe(*plan));
  });
}

}  // namespace xc::verbs
