#include "app/start.h"

#include <climits>
#include <csignal>

#include "sys/log.h"
#include "sys/privileges.h"

namespace xc::app {

Result<> start_as_hook(std::string_view program) {
  log::to_stderr(program);
  return sys::start_clean();
}

Result<> start_as_shim() {
  return sys::start_clean(INT_MAX);
}

void start_for_a_person() {
  log::to_stderr("xc-inject");
  (void)std::signal(SIGPIPE, SIG_IGN);
}

int finish(const Result<>& outcome) {
  if (outcome) return 0;
  log::error(outcome.error().text);
  return exit_code(outcome.error().kind);
}

}  // namespace xc::app
