// xc-hook: called by a container engine when a container starts and when it has stopped (lib/app/hook.h).
// Prints nothing when all is well, and one line when not.
#include <cstdio>
#include <string_view>

#include "app/hook.h"
#include "sys/log.h"
#include "sys/privileges.h"

namespace {

int finish(const xc::Result<>& outcome) {
  if (outcome) return 0;
  xc::log::error(outcome.error().text);
  return xc::exit_code(outcome.error().kind);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--help") return std::fputs(xc::app::hook_help().c_str(), stdout) < 0;
  if (argc == 2 && std::string_view(argv[1]) == "--version") return std::puts("xc-hook " XC_VERSION) < 0;
  xc::log::to_stderr("xc-hook");
  const auto call = xc::app::recognise(argc, argv);  // the last look at the environment
  if (const auto clean = xc::sys::start_clean(); !clean) return finish(clean);
  if (!call) return finish(std::unexpected(call.error()));
  if (const auto opened = xc::app::open_log(call->options); !opened) return finish(opened);
  return finish(xc::app::run_hook(*call));
}
