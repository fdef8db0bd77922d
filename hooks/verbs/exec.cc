// xc-inject exec.
#include "app/exec.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "verbs/verbs.h"

namespace xc::verbs {
namespace {

/// What stood behind "--".
std::vector<std::string> program_of(const std::vector<std::string>& words) {
  const auto mark = std::ranges::find(words, "--");
  return {mark == words.end() ? mark : mark + 1, words.end()};
}

}  // namespace

int count_own(int argc, char** argv) {
  if (argc < 2 || std::string_view(argv[1]) != "exec") return argc;
  return static_cast<int>(std::find(argv, argv + argc, std::string_view("--")) - argv);
}

void add_exec(CLI::App& app, int& status) {
  auto options = std::make_shared<app::ExecOptions>();
  auto* verb =
      app.add_subcommand("exec", "start a program with connected sockets: SERVICE... -- PROGRAM [ARGUMENT...]");
  verb->footer(
      "The program finds each connection in XC_<SERVICE>_FD, a Wayland one in WAYLAND_SOCKET as well: a link of that "
      "type,\n"
      "what fd:NAME says is one, or any address of a SERVICE that is called wayland.\n\n"
      "Examples:\n"
      "  xc-inject exec panel -- weston-terminal\n"
      "  xc-inject exec --container dialer modem-api -- sh -c 'echo $XC_MODEM_API_FD'\n"
      "  xc-inject exec panel=fd:panel -- wayland-info     in a container that has it as launcher\n"
      "  xc-inject exec --listen modem-api -- my-server    as systemd would (LISTEN_FDS)");
  verb->add_option("--container", options->container, "inside this living container, through its own links");
  verb->add_option("--listen", options->listen,
                   "a service of the host that the program provides (LISTEN_FDS; may be repeated)")
      ->allow_extra_args(false);
  verb->add_option("--name", options->name, "identity that providers see (default: the program's name)");
  verb->add_option("--state", options->state, "state directory")->capture_default_str();
  verb->add_option("--config", options->config, "host policy and services (default: /etc/xconnect)");
  verb->add_option(
      "SERVICE", options->services,
      "NAME, \"NAME;role=ROLE\", or NAME=ADDRESS (/path, @name, tcp:127.0.0.1:PORT, fd:NAME) as it stands");
  verb->callback([options, &status] {
    options->command = program_of(app::own_words().value_or(std::vector<std::string>{}));
    const auto code = app::exec(*options);
    status = code ? *code : complain(code.error());
  });
}

}  // namespace xc::verbs
