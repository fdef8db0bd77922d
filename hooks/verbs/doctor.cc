// xc-inject doctor.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "advice/finding.h"
#include "app/doctor.h"
#include "base/json_out.h"
#include "verbs/verbs.h"

namespace xc::verbs {

void add_doctor(CLI::App& app, int& status) {
  struct Options {
    app::DoctorOptions where;
    bool all = false;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  auto* verb = app.add_subcommand("doctor", "what is wrong with this host, or with one container, and what mends it");
  verb->add_option("CONTAINER", options->where.container,
                   "a container's name, or the directory of its config.json or LXC configuration");
  verb->add_option("--root", options->where.root, "look at the files of a system below this directory instead");
  verb->add_option("--state", options->where.state, "state directory")->capture_default_str();
  verb->add_option("--config", options->where.config, "host policy and services (default: /etc/xconnect)");
  verb->add_option("--hooks-dir", options->where.hooks_dirs, "hooks.d of podman; later ones count more (repeatable)")
      ->allow_extra_args(false);
  verb->add_option("--lxcpath", options->where.lxcpath, "LXC's containers (default: /var/lib/lxc)");
  verb->add_flag("--all", options->all, "what is in order too");
  verb->add_flag("--json", options->json, "one JSON list of findings");
  verb->footer(
      "Exit status: 0 when nothing is broken, 1 when something is.\n\n"
      "Examples:\n"
      "  xc-inject doctor                    this host\n"
      "  xc-inject doctor dialer             a container that runs, or that LXC knows\n"
      "  xc-inject doctor ./bundle           one that does not start\n"
      "  xc-inject doctor --root /mnt/image  an image before it is shipped");
  verb->callback([options, &status] {
    const auto findings = app::examine(options->where);
    if (!findings) {
      status = complain(findings.error());
      return;
    }
    (void)print(options->json
                    ? to_json(*findings) + "\n"
                    : advice::describe(*findings, colours(STDOUT_FILENO), options->all, columns(STDOUT_FILENO)));
    status = advice::is_broken(*findings) ? 1 : 0;
  });
}

}  // namespace xc::verbs
