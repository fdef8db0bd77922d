// xc-inject hooks print, install, remove.
#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "app/registration.h"
#include "base/json_out.h"
#include "verbs/verbs.h"

namespace xc::verbs {
namespace {

struct Options {
  std::string engine;
  std::string program = XC_LIBEXECDIR "/xc-hook";
  std::string root;
  std::string connect;
  std::string state = "/run/xconnect";
  bool json = false;
};

/// What goes into the engine's configuration.
int tell_registrations(const Options& options) {
  auto all = app::registrations(options.engine, options.program);
  if (!all) return complain(all.error());
  if (!options.connect.empty()) {
    auto more = app::redirection(options.engine, options.connect, options.state);
    if (!more) return complain(more.error());
    all->push_back(*std::move(more));
  }
  if (options.json) return print(to_json(*all) + "\n");
  for (const auto& one : *all) (void)print((one.path.empty() ? "" : "# " + one.path + "\n") + one.text);
  return 0;
}

/// What was written or removed.
int tell_paths(const Result<std::vector<std::string>>& paths, bool json) {
  if (!paths) return complain(paths.error());
  if (json) return print(to_json(*paths) + "\n");
  for (const auto& path : *paths) (void)print(path + "\n");
  return 0;
}

CLI::App* add_verb(CLI::App& hooks, Options& options, const char* name, const char* about) {
  auto* verb = hooks.add_subcommand(name, about);
  verb->add_option("ENGINE", options.engine, "runc, crun, podman, crio, lxc or pantavisor")
      ->required()
      ->type_name("{" + text::join(app::registration_engines(), ",") + "}");
  verb->add_flag("--json", options.json, "as JSON");
  return verb;
}

}  // namespace

void add_hooks(CLI::App& app, int& status) {
  auto options = std::make_shared<Options>();
  auto* hooks = app.add_subcommand("hooks", "how an engine is told to call xc-hook");
  hooks->require_subcommand(1);
  hooks->footer(
      "Examples:\n"
      "  xc-inject hooks print runc        lines for config.json\n"
      "  xc-inject hooks print crun --connect kiosk    with the filter that redirects connect(2)\n"
      "  xc-inject hooks await kiosk && crun run kiosk    for 60 seconds, with that filter\n"
      "  xc-inject hooks install podman    files of hooks.d, once for all containers");
  auto* print_them = add_verb(*hooks, *options, "print", "print what goes into the engine's configuration");
  auto* install =
      add_verb(*hooks, *options, "install", "write the files into the engine's directory (podman, crio, lxc)");
  auto* remove = add_verb(*hooks, *options, "remove", "remove them again");
  for (auto* one : {print_them, install})
    one->add_option("--hook", options->program, "path of xc-hook")->capture_default_str();
  print_them->add_option("--connect", options->connect,
                         "name of a container with links at \"connect:/path\": also what goes into \"linux\"");
  print_them->add_option("--state", options->state, "state directory of xc-hook")->capture_default_str();
  for (auto* one : {install, remove}) one->add_option("--root", options->root, "below this directory instead of /");
  auto* await = hooks->add_subcommand("await", "make the place where crun looks before its container exists");
  await->add_option("NAME", options->connect, "the container's")->required();
  await->add_option("--state", options->state, "state directory of xc-hook")->capture_default_str();
  await->callback([options, &status] {
    const auto made = app::await_engine(options->connect, options->state);
    status = made ? 0 : complain(made.error());
  });
  print_them->callback([options, &status] { status = tell_registrations(*options); });
  install->callback([options, &status] {
    status = tell_paths(app::install(options->engine, options->program, options->root), options->json);
  });
  remove->callback(
      [options, &status] { status = tell_paths(app::uninstall(options->engine, options->root), options->json); });
}

}  // namespace xc::verbs
