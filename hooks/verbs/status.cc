// xc-inject ps, status.
#include "verbs/verbs.h"

#include <CLI/CLI.hpp>
#include <ctime>
#include <memory>
#include <string>

#include "app/screen.h"
#include "app/seen.h"
#include "base/json_out.h"

namespace xc::verbs {
namespace {

struct Options {
  std::string container;
  std::string state = "/run/xconnect";
  bool json = false;
  unsigned watch = 0;  ///< seconds
};
using Show = std::string (*)(const std::vector<app::Seen>&, std::size_t width);

int show_once(const Options& options, Show show) {
  const auto seen = app::see(options.state, options.container);
  if (!seen) return complain(seen.error());
  return print(options.json ? to_json(*seen) + "\n" : show(*seen, columns(STDOUT_FILENO)));
}

/// Again and again; redrawn in place on a terminal, one after the other elsewhere, until the reader has left.
int watch(const Options& options, Show show) {
  const app::Screen screen;
  for (;;) {
    const auto seen = app::see(options.state, options.container);
    if (screen.there()) {
      screen.show(seen ? show(*seen, columns(STDOUT_FILENO)) : seen.error().text);
      for (unsigned tenth = 0; tenth < options.watch * 10; ++tenth)
        if (screen.wait_for_key(100) == 'q') return 0;
      continue;
    }
    if (const int status = show_once(options, show); status != 0 || std::fflush(stdout) != 0) return status;
    const timespec pause{static_cast<std::time_t>(options.watch), 0};
    (void)::nanosleep(&pause, nullptr);
  }
}

void add_named(CLI::App& app, const char* name, const char* about, Show show, int& status) {
  auto options = std::make_shared<Options>();
  auto* verb = app.add_subcommand(name, about);
  verb->add_option("CONTAINER", options->container, "only this one, by name or by pid");
  verb->add_option("--state", options->state, "state directory")->capture_default_str();
  verb->add_flag("--json", options->json, "as JSON, with every counter and reason");
  verb->add_option("--watch", options->watch, "again every so many seconds; q ends it")
      ->expected(0, 1)
      ->default_str("2")
      ->check(CLI::Range(1U, 3600U));
  verb->footer("Examples:\n  xc-inject " + std::string(name) + "\n  xc-inject " + name +
               " dialer --json   one container, for a program\n  xc-inject " + name + " --watch 5");
  verb->callback(
      [options, show, &status] { status = options->watch == 0 ? show_once(*options, show) : watch(*options, show); });
}

}  // namespace

void add_status(CLI::App& app, int& status) {
  add_named(app, "ps", "containers and their links, a line each", &app::table_of, status);
  add_named(app, "status", "all that is known of each link: its place, and why not another, figures, refusals",
            &app::account_of, status);
}

}  // namespace xc::verbs
