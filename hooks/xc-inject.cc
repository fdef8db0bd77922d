// xc-inject: a person's window into xconnect. Parses the command line, calls one verb of lib/app, prints one error
// line.
#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <string>

#include "app/mediate.h"
#include "sys/log.h"

namespace {

int finish(const xc::Result<>& outcome) {
  if (outcome) return 0;
  std::fprintf(stderr, "xc-inject: %s\n", outcome.error().text.c_str());
  return xc::exit_code(outcome.error().kind);
}

void add_mediate(CLI::App& app, int& status) {
  auto* verb = app.add_subcommand("mediate", "run one mediator between two sockets, without a container");
  auto options = std::make_shared<xc::app::MediateOptions>();
  auto type = std::make_shared<std::string>();
  verb->add_option("TYPE", *type, "what is spoken: unix or rest")->required();
  verb->add_option("--listen", options->listen, "socket to make: a path that does not exist, or @name")->required();
  verb->add_option("--connect", options->connect, "the provider's socket: a path, or @name")->required();
  verb->add_option("--client", options->client, "identity the provider sees")->capture_default_str();
  verb->add_option("--role", options->role, "role the provider sees")->capture_default_str();
  verb->add_option(
      "--ready-fd", options->ready_fd,
      "descriptor that gets one byte when connections are accepted; closing its other end ends the mediator");
  verb->callback([options, type, &status] {
    const auto known = xc::model::type_of(*type);
    if (!known) throw CLI::ValidationError("TYPE", "\"" + *type + "\" is not a type; known are unix and rest");
    options->type = *known;
    xc::log::to_stderr("xc-inject");
    status = finish(xc::app::mediate(*options));
  });
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  CLI::App app{"xconnect: a container reaches exactly what it was granted", "xc-inject"};
  app.require_subcommand(1);
  app.set_version_flag("--version", XC_VERSION);
  int status = 0;
  add_mediate(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : xc::exit_code(xc::Kind::usage);
  }
  return status;
}
