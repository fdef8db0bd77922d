// xc-hook: called by a container engine when a container starts and when it has stopped (lib/app/hook.h).
// Prints nothing when all is well, and one line when not.
#include <cstdio>
#include <string_view>

#include "app/call.h"
#include "app/hook.h"
#include "app/start.h"

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--help") return std::fputs(xc::app::hook_help().c_str(), stdout) < 0;
  if (argc == 2 && std::string_view(argv[1]) == "--version") return std::puts("xc-hook " XC_VERSION) < 0;
  const auto call = xc::app::recognise(argc, argv);  // the last look at the environment
  if (const auto clean = xc::app::start_as_hook(); !clean) return xc::app::finish(clean);
  const auto opened = call ? xc::app::open_log(call->options) : std::unexpected(call.error());
  if (!opened && !(call && call->lxc)) xc::app::hear_out();
  if (!opened) return xc::app::finish(opened);
  return xc::app::finish(xc::app::run_hook(*call));
}
