// The bus that a device runs for its containers, as a service of the host: what the owners of names there say, put into
// the words of roles. Pure: runs in the hook.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "model/plan.h"
#include "model/service.h"

namespace xc::grant {

/// What containers call the bus.
inline constexpr std::string_view hosted_bus_name = "system-bus";

/// The service `system-bus` of the host at `socket`. Every role of `uids` is that user there, and may own the names
/// whose offers have it as "role" and talk to those whose "allow" names it (or that have none); nothing else. A role
/// without a uid is none of the service's: the bus would take it for root.
[[nodiscard]] model::Offered make_hosted_bus(const std::vector<model::Offer>& owners,
                                             const std::map<std::string, std::uint32_t>& uids, std::string socket);

/// Does the offer own a name on that bus?
[[nodiscard]] bool owns_on_hosted_bus(const model::Offer& offer);

}  // namespace xc::grant
