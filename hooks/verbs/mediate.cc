// xc-inject mediate.
#include "verbs/verbs.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "app/mediate.h"

namespace xc::verbs {

void add_mediate(CLI::App& app, int& status) {
  auto* verb = app.add_subcommand("mediate", "run one mediator between two sockets, without a container");
  auto options = std::make_shared<app::MediateOptions>();
  verb->add_option("TYPE", options->type, "what is spoken: unix, rest, dbus or wayland")
      ->required()
      ->type_name("{unix,rest,dbus,wayland}");
  verb->add_option("--listen", options->listen, "socket to make: a path that does not exist, or @name")->required();
  verb->add_option("--connect", options->connect, "the provider's socket: a path, or @name")->required();
  verb->add_option("--socket-type", options->socket_kind, "of a unix link: stream or seqpacket")->capture_default_str();
  verb->add_option("--identity", options->identity,
                   "how a unix provider learns who calls: json-line, proxy-v2, credentials");
  verb->add_option("--uid", options->uid, "the role's user, for --identity credentials");
  verb->add_option("--client-uid", options->client_uids, "serve only clients of this user (may be repeated)")
      ->allow_extra_args(false);
  verb->add_option("--client-root", options->client_root,
                   "serve only clients whose root is this directory, such as a program that has chrooted there");
  verb->add_option("--client", options->client, "identity the provider sees")->capture_default_str();
  verb->add_option("--role", options->role, "role the provider sees")->capture_default_str();
  verb->add_option("--rules", options->rules, "file with what the role may do (the object of one type in \"roles\")");
  verb->add_flag("--log", options->log, "tell every message on standard error, one line of JSON each");
  verb->add_option(
      "--ready-fd", options->ready_fd,
      "descriptor that gets one byte when connections are accepted; closing its other end ends the mediator");
  verb->footer(
      "Runs in the same sandbox as a container's worker, until it is told to end (SIGTERM, or --ready-fd closed).\n\n"
      "Examples:\n"
      "  xc-inject mediate rest --listen /tmp/api --connect /run/modem/api.sock --role viewer --rules viewer.json\n"
      "  xc-inject mediate dbus --listen /tmp/bus --connect /run/dbus/system_bus_socket --rules bus.json --log");
  verb->callback([options, &status] {
    const auto done = app::mediate(*options);
    status = done ? 0 : complain(done.error());
  });
}

}  // namespace xc::verbs
