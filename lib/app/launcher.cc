#include "app/launcher.h"

#include <algorithm>
#include <memory>

#include "shim/config.h"
#include "shim/launch.h"

namespace xc::app {

std::vector<model::Offered> relevant(const std::vector<model::Offered>& host, const std::vector<model::Link>& links) {
  std::vector<model::Offered> some;
  for (const auto& offered : host)
    if (std::ranges::any_of(links, [&](const auto& link) { return link.service == offered.offer.name; }))
      some.push_back(offered);
  return some;
}

inject::Launch launcher(const std::vector<model::Offered>& host, const registry::StateDir& state,
                        const inject::HeldContainer& held, sys::Deadline deadline) {
  return [&host, &state, &held, deadline](const registry::Record& record, const std::vector<Fd>& listeners,
                                          const std::vector<Fd>& directories) -> Result<inject::Commit> {
    shim::Config config;
    config.consumer = record.container.name;
    config.key = registry::key_of(record.container.name, record.init.pid);
    config.state = state.path();
    config.init = record.init;
    config.redirects = !record.container.notified.empty() &&
                       record.container.notified == registry::redirector_of(state.path(), config.consumer);
    config.engine_is_there = config.redirects && record.container.asks_early;
    for (const auto& link : record.links)
      (model::is_node(link) ? config.devices : model::is_lease(link) ? config.leases : config.links).push_back(link);
    config.host = relevant(host, record.links);
    config.directories = static_cast<std::uint32_t>(directories.size());
    const Fd program = XC_TRY(shim::open_program("xc-shim"));
    auto launched = std::make_shared<shim::Launched>(XC_TRY(
        shim::launch(program, config, listeners, directories, held.init.pidfd, sys::milliseconds_until(deadline))));
    return [launched]() { return shim::commit(std::move(*launched)); };
  };
}

}  // namespace xc::app
