#include "app/running.h"

#include "base/text.h"
#include "registry/records.h"

namespace xc::app {

Result<std::optional<std::string>> find_entry(const registry::StateDir& state, const std::string& what) {
  const auto pid = text::parse_number(what);
  std::optional<std::string> found;
  for (const auto& key : XC_TRY(registry::keys(state))) {
    const auto dot = key.rfind('.');
    const bool meant = key.substr(0, dot) == what || (pid && key.substr(dot + 1) == what);
    if (!meant) continue;
    const auto record = XC_TRY(registry::read(state, key));
    if (!record || !XC_TRY(registry::is_alive(record->init))) continue;
    if (found)
      return fail(Kind::usage,
                  text::quoted(what) + " means two containers that run: say the pid of one's first process");
    found = key;
  }
  return found;
}

Result<inject::HeldContainer> hold_recorded(const sys::Proc& proc, const registry::Record& record) {
  auto held = XC_TRY(inject::hold(proc, record.container));
  if (held.init.start_time != record.init.start_time) return fail(Kind::kernel, "the container has ended");
  if (held.root_id != record.root)
    return fail(Kind::kernel, "its first process has left the root directory that it started in");
  return held;
}

}  // namespace xc::app
