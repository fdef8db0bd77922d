// xc-inject apply, revoke.
#include <CLI/CLI.hpp>
#include <memory>

#include "app/change.h"
#include "base/json_out.h"
#include "verbs/verbs.h"

namespace xc::verbs {
namespace {

struct Options : app::ChangeOptions {
  bool json = false;
};

int tell(const Result<app::Changed>& changed, const Options& options, const char* what) {
  if (!changed) return complain(changed.error());
  if (options.json) return print(to_json(*changed) + "\n");
  std::string text = changed->container + ": " + changed->service + what + changed->target + "\n";
  for (const auto& note : changed->notes) text += "  " + note + "\n";
  return print(text);
}

CLI::App* add_common(CLI::App& app, const char* name, const char* about, const std::shared_ptr<Options>& options) {
  auto* verb = app.add_subcommand(name, about);
  verb->add_option("CONTAINER", options->container, "by name, or by the pid of its first process")->required();
  verb->add_option("--state", options->state, "state directory")->capture_default_str();
  verb->add_option("--deadline", options->deadline_ms, "milliseconds it may take")->capture_default_str();
  verb->add_flag("--json", options->json, "as JSON");
  return verb;
}

}  // namespace

void add_change(CLI::App& app, int& status) {
  auto added = std::make_shared<Options>();
  auto* apply = add_common(app, "apply", "add a link to a running container, as its hook would have", added);
  apply->add_option("LINK", added->link, "SERVICE[:ROLE][=TARGET]; without TARGET where clients look by themselves")
      ->required();
  apply->add_option("--name", added->name, "who the container is, when no hook was called for it");
  apply->add_option("--config", added->config, "host policy and services (default: /etc/xconnect)");
  apply->add_flag("--shared-netns", added->shared_netns, "an abstract name may be visible to network neighbours");
  apply->footer(
      "Examples:\n"
      "  xc-inject apply radio modem-api:viewer=/run/modem.sock\n"
      "  xc-inject apply 4711 modem-api --name radio");
  apply->callback([added, &status] { status = tell(app::apply_link(*added), *added, " is at "); });
  auto removed = std::make_shared<Options>();
  auto* revoke = add_common(app, "revoke", "take a link away from a running container, with its connections", removed);
  revoke->add_option("LINK", removed->link, "SERVICE, or SERVICE=TARGET when there are several")->required();
  revoke->footer("Example:\n  xc-inject revoke radio modem-api");
  revoke->callback([removed, &status] { status = tell(app::revoke_link(*removed), *removed, " is no longer at "); });
}

}  // namespace xc::verbs
