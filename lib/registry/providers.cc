#include "registry/providers.h"

#include "registry/records.h"
#include "sys/container_root.h"
#include "sys/proc.h"

namespace xc::registry {

Result<Market> survey(const StateDir& state) {
  Market market;
  for (auto& record : XC_TRY(offering(state))) {
    if (!XC_TRY_IN(record.container.name, is_alive(record.init))) continue;
    for (const auto& offer : record.offers) {
      market.offered.push_back({record.container.name, record.offers_origin, offer});
      market.providers.push_back(record);
    }
  }
  return market;
}

Result<Provider> hold(const sys::Proc& proc, const Record& record) {
  auto process = XC_TRY(sys::find_process(proc, static_cast<pid_t>(record.init.pid), record.init.start_time));
  if (!process) return fail(Kind::again, "provider " + record.container.name + " is not running");
  auto root = sys::open_container_root(proc, *process, record.container.root);
  if (!root) return fail(Kind::again, "provider " + record.container.name + ": " + root.error().text);
  const auto id = XC_TRY(sys::id_of(root->get()));
  if (id != record.root) return fail(Kind::again, "provider " + record.container.name + " is not in its own root");
  if (!XC_TRY(sys::is_alive(*process))) return fail(Kind::again, "provider " + record.container.name + " has ended");
  return Provider{record, std::move(*process), std::move(*root)};
}

bool is_current(const Provider& provider) {
  return sys::is_alive(provider.init).value_or(false);
}

}  // namespace xc::registry
