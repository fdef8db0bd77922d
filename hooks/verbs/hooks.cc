// xc-inject hooks print, install, remove.
#include "verbs/verbs.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "app/registration.h"

namespace xc::verbs {

void add_hooks(CLI::App& app, int& status) {
  struct Options {
    std::string engine;
    std::string program = XC_LIBEXECDIR "/xc-hook";
    std::string root;
  };
  auto options = std::make_shared<Options>();
  auto* hooks = app.add_subcommand("hooks", "how an engine is told to call xc-hook");
  hooks->require_subcommand(1);
  const auto verb = [&](const char* name, const char* about) {
    auto* one = hooks->add_subcommand(name, about);
    one->add_option("ENGINE", options->engine, "runc, crun, podman, lxc or pantavisor")->required();
    return one;
  };
  auto* print_them = verb("print", "print what goes into the engine's configuration");
  auto* install = verb("install", "write the files into the engine's directory (podman, lxc)");
  auto* remove = verb("remove", "remove them again");
  for (auto* one : {print_them, install})
    one->add_option("--hook", options->program, "path of xc-hook")->capture_default_str();
  for (auto* one : {install, remove}) one->add_option("--root", options->root, "below this directory instead of /");
  const auto tell = [&status](const Result<std::vector<std::string>>& paths) {
    if (!paths) status = complain(paths.error());
    for (const auto& path : paths.value_or(std::vector<std::string>{})) (void)print(path + "\n");
  };
  print_them->callback([options, &status] {
    const auto all = app::registrations(options->engine, options->program);
    if (!all) status = complain(all.error());
    for (const auto& one : all.value_or(std::vector<app::Registration>{}))
      (void)print((one.path.empty() ? "" : "# " + one.path + "\n") + one.text);
  });
  install->callback([options, tell] { tell(app::install(options->engine, options->program, options->root)); });
  remove->callback([options, tell] { tell(app::uninstall(options->engine, options->root)); });
}

}  // namespace xc::verbs
