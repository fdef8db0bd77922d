// The whole tree of xc-inject's command line: --help, completions and man pages come from it.
#include <CLI/CLI.hpp>

#include "verbs/verbs.h"

namespace xc::verbs {

void add_all(CLI::App& app, int& status) {
  app.require_subcommand(1);
  app.set_version_flag("--version", "xc-inject " XC_VERSION);
  app.footer(
      "Exit status: 0 done, 64 usage, 71 kernel or engine, 73 cannot plant, 75 deadline, 77 policy, 78 manifest.");
  add_check(app, status);
  add_plan(app, status);
  add_status(app, status);
  add_doctor(app, status);
  add_explain(app, status);
  add_change(app, status);
  add_top(app, status);
  add_trace(app, status);
  add_mediate(app, status);
  add_graph(app, status);
  add_render(app, status);
  add_hooks(app, status);
  add_exec(app, status);
  add_cdi(app, status);
  add_completion(app, status);
  add_man(app, status);
  app.add_subcommand("dbus-proxy",
                     "mediate buses as xdg-dbus-proxy does, with its command line; see dbus-proxy --help");
}

}  // namespace xc::verbs
