// xc-shim: the mediator of one container. Started by xc-hook, ends with the container (lib/shim/life.h).
#include "app/start.h"
#include "shim/life.h"

int main() {
  const auto clean = xc::app::start_as_shim();
  const auto outcome = clean ? xc::shim::live_as_monitor() : clean;  // it logs its own error: nobody reads ours
  return outcome ? 0 : xc::exit_code(outcome.error().kind);
}
