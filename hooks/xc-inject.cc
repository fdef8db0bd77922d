// xc-inject: a person's window into xconnect. Parses the command line, calls one verb of lib/app, prints what it says.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/dbus_proxy.h"
#include "app/look.h"
#include "app/mediate.h"
#include "app/registration.h"
#include "app/start.h"
#include "base/json_out.h"
#include "plan/describe.h"

namespace {

using xc::Kind;

int complain(const xc::Error& error) {
  std::fprintf(stderr, "xc-inject: %s\n", error.text.c_str());
  return xc::exit_code(error.kind);
}

/// Prints `text`; a reader that has gone away is no error worth a word.
int print(const std::string& text) {
  (void)std::fputs(text.c_str(), stdout);
  return 0;
}

bool has_command(const CLI::App& app, std::string_view name) {
  const auto verbs = app.get_subcommands([](const CLI::App*) { return true; });
  return std::any_of(verbs.begin(), verbs.end(),
                     [&](const CLI::App* verb) { return verb->check_name(std::string(name)); });
}

void add_check(CLI::App& app, int& status) {
  struct Options {
    std::vector<std::string> files;
    std::string kind;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  auto* verb = app.add_subcommand("check", "check manifests: run.json, args.json, services.json, policy");
  verb->add_option("FILE", options->files, "files to check")->required();
  verb->add_option("--as", options->kind,
                   "what the files are: run, args, services or policy (default: by name or #spec)")
      ->check(CLI::IsMember({"run", "args", "services", "policy"}));
  verb->add_flag("--json", options->json, "one JSON list of verdicts");
  verb->callback([options, &status] {
    std::vector<xc::app::Verdict> verdicts;
    for (const auto& file : options->files) {
      auto verdict = xc::app::check(file, options->kind);
      if (!verdict.good) status = std::max(status, xc::exit_code(verdict.sort));
      if (!options->json && !verdict.good) std::fprintf(stderr, "%s\n", verdict.error.c_str());
      for (const auto& warning : verdict.warnings)
        if (!options->json) std::fprintf(stderr, "warning: %s\n", warning.c_str());
      verdicts.push_back(std::move(verdict));
    }
    if (options->json) (void)print(xc::to_json(verdicts) + "\n");
  });
}

void add_plan(CLI::App& app, int& status) {
  auto options = std::make_shared<xc::app::PlanOptions>();
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
  verb->callback([options, json, &status] {
    const auto plan = xc::app::plan_from_files(*options);
    status = !plan ? complain(plan.error())
                   : print(*json ? xc::plan::describe_json(*plan) + "\n" : xc::plan::describe(*plan));
  });
}

void add_status(CLI::App& app, const char* name, const char* about, int& status) {
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
    const auto seen = xc::app::see(options->state, options->container);
    status =
        !seen ? complain(seen.error()) : print(options->json ? xc::to_json(*seen) + "\n" : xc::app::table_of(*seen));
  });
}

void add_mediate(CLI::App& app, int& status) {
  auto* verb = app.add_subcommand("mediate", "run one mediator between two sockets, without a container");
  auto options = std::make_shared<xc::app::MediateOptions>();
  verb->add_option("TYPE", options->type, "what is spoken: unix, rest, dbus or wayland")->required();
  verb->add_option("--listen", options->listen, "socket to make: a path that does not exist, or @name")->required();
  verb->add_option("--connect", options->connect, "the provider's socket: a path, or @name")->required();
  verb->add_option("--socket-type", options->socket_kind, "of a unix link: stream or seqpacket")->capture_default_str();
  verb->add_option("--identity", options->identity,
                   "how a unix provider learns who calls: json-line, proxy-v2, credentials");
  verb->add_option("--uid", options->uid, "the role's user, for --identity credentials");
  verb->add_option("--client", options->client, "identity the provider sees")->capture_default_str();
  verb->add_option("--role", options->role, "role the provider sees")->capture_default_str();
  verb->add_option("--rules", options->rules, "file with what the role may do (the object of one type in \"roles\")");
  verb->add_flag("--log", options->log, "tell every message on standard error, one line of JSON each");
  verb->add_option(
      "--ready-fd", options->ready_fd,
      "descriptor that gets one byte when connections are accepted; closing its other end ends the mediator");
  verb->callback([options, &status] {
    const auto done = xc::app::mediate(*options);
    status = done ? 0 : complain(done.error());
  });
}

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
  const auto tell = [&status](const xc::Result<std::vector<std::string>>& paths) {
    if (!paths) status = complain(paths.error());
    for (const auto& path : paths.value_or(std::vector<std::string>{})) (void)print(path + "\n");
  };
  print_them->callback([options, &status] {
    const auto all = xc::app::registrations(options->engine, options->program);
    if (!all) status = complain(all.error());
    for (const auto& one : all.value_or(std::vector<xc::app::Registration>{}))
      (void)print((one.path.empty() ? "" : "# " + one.path + "\n") + one.text);
  });
  install->callback([options, tell] { tell(xc::app::install(options->engine, options->program, options->root)); });
  remove->callback([options, tell] { tell(xc::app::uninstall(options->engine, options->root)); });
}

/// A command line of its own: that of xdg-dbus-proxy, in whose place it may be started under that name.
int run_dbus_proxy(const std::vector<std::string>& words) {
  const auto said = xc::app::dbus_proxy(words);
  return said ? print(*said) : complain(said.error());
}

}  // namespace

int main(int argc, char** argv) {
  xc::app::start_for_a_person();
  const std::vector<std::string> words(argv, argv + argc);
  if (!words.empty() && words[0].substr(words[0].rfind('/') + 1) == "xdg-dbus-proxy")
    return run_dbus_proxy({words.begin() + 1, words.end()});
  if (words.size() > 1 && words[1] == "dbus-proxy") return run_dbus_proxy({words.begin() + 2, words.end()});
  CLI::App app{"xconnect: a container reaches exactly what it was granted", "xc-inject"};
  app.require_subcommand(1);
  app.set_version_flag("--version", "xc-inject " XC_VERSION);
  app.footer(
      "Exit status: 0 done, 64 usage, 71 kernel or engine, 73 cannot plant, 75 deadline, 77 policy, 78 manifest.");
  int status = 0;
  add_check(app, status);
  add_plan(app, status);
  add_status(app, "ps", "containers and their links", status);
  add_status(app, "status", "the same; with --json every counter and reason", status);
  add_mediate(app, status);
  add_hooks(app, status);
  app.add_subcommand("dbus-proxy",
                     "mediate buses as xdg-dbus-proxy does, with its command line; see dbus-proxy --help");
  if (argc > 1 && argv[1][0] != '-' && !has_command(app, argv[1]))
    return complain({Kind::usage, std::string("\"") + argv[1] + "\" is not a command; see xc-inject --help"});
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : xc::exit_code(Kind::usage);
  }
  return status;
}
