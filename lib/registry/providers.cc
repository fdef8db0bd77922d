#include "registry/providers.h"

#include <utility>

#include "registry/records.h"
#include "sys/container_root.h"
#include "sys/proc.h"

namespace xc::registry {

Result<Market> survey(const StateDir& state, const Sought& sought) {
  Market market;
  const auto look = [&](Record record) -> Result<> {
    if (!XC_TRY_IN(record.container.name, is_alive(record.init))) return {};
    auto offers = std::move(record.offers);
    record.offers.clear();
    record.links.clear();
    for (auto& offer : offers) {
      if (!sought(offer.name)) continue;
      market.offered.push_back({record.container.name, record.offers_origin, std::move(offer)});
      market.providers.push_back(record);
    }
    return {};
  };
  XC_CHECK(visit_offering(state, look));
  return market;
}

Result<Market> survey(const StateDir& state) {
  return survey(state, [](const std::string&) { return true; });
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
