// xc-inject: a person's window into xconnect. Parses the command line and calls one verb (verbs/).
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "app/dbus_proxy.h"
#include "app/start.h"
#include "verbs/verbs.h"

namespace {

using xc::Kind;
using xc::verbs::complain;

bool has_command(const CLI::App& app, std::string_view name) {
  const auto verbs = app.get_subcommands([](const CLI::App*) { return true; });
  return std::any_of(verbs.begin(), verbs.end(),
                     [&](const CLI::App* verb) { return verb->check_name(std::string(name)); });
}

/// A command line of its own: that of xdg-dbus-proxy, in whose place it may be started under that name.
int run_dbus_proxy(const std::vector<std::string>& words) {
  const auto said = xc::app::dbus_proxy(words);
  return said ? xc::verbs::print(*said) : complain(said.error());
}

/// What was printed must have come out: a full disk is an error, a reader that has gone away is none.
int finish(int status) {
  if (std::fflush(stdout) == 0 || errno == EPIPE) return status;
  const int failed = complain({Kind::kernel, std::string("standard output: ") + std::strerror(errno), errno});
  return status == 0 ? failed : status;
}

}  // namespace

int main(int argc, char** argv) {
  xc::app::start_for_a_person();
  const std::vector<std::string> words(argv, argv + argc);
  if (!words.empty() && words[0].substr(words[0].rfind('/') + 1) == "xdg-dbus-proxy")
    return run_dbus_proxy({words.begin() + 1, words.end()});
  if (words.size() > 1 && words[1] == "dbus-proxy") return run_dbus_proxy({words.begin() + 2, words.end()});
  CLI::App app{"xconnect: a container reaches exactly what it was granted", "xc-inject"};
  int status = 0;
  xc::verbs::add_all(app, status);
  if (argc > 1 && argv[1][0] != '-' && !has_command(app, argv[1]))
    return complain({Kind::usage, std::string("\"") + argv[1] + "\" is not a command; see xc-inject --help"});
  try {
    app.parse(xc::verbs::count_own(argc, argv), argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
    const auto verbs = app.get_subcommands();
    const std::string verb = verbs.empty() ? "" : verbs.front()->get_name() + " ";
    return complain({Kind::usage, std::string(error.what()) + "; see xc-inject " + verb + "--help"});
  }
  return finish(status);
}
