// xc-shim: the mediator of one container. Started by xc-hook, ends with the container (lib/shim/life.h).
#include <climits>

#include "shim/life.h"
#include "sys/privileges.h"

int main() {
  if (const auto clean = xc::sys::start_clean(INT_MAX); !clean) return xc::exit_code(clean.error().kind);
  const auto outcome = xc::shim::live_as_monitor();
  return outcome ? 0 : xc::exit_code(outcome.error().kind);
}
