#include "grant/hosted_bus.h"

#include <algorithm>
#include <utility>

namespace xc::grant {
namespace {

/// A name without a "role" is owned in the role that is called like it.
const std::string& owner_role(const model::Offer& offer) {
  return offer.role.empty() ? offer.owns : offer.role;
}

model::RoleRules rules_of(const std::string& role, std::uint32_t uid, const std::vector<model::Offer>& owners) {
  model::DbusRules rules;
  for (const model::Offer& offer : owners) {
    if (!owns_on_hosted_bus(offer)) continue;
    const bool allowed = !offer.allow || std::ranges::find(*offer.allow, role) != offer.allow->end();
    if (owner_role(offer) == role)
      rules.own.push_back(offer.owns);
    else if (allowed)
      rules.talk.push_back(offer.owns);
  }
  model::RoleRules out;
  out.dbus = std::move(rules);
  out.uid = uid;
  return out;
}

}  // namespace

bool owns_on_hosted_bus(const model::Offer& offer) {
  return offer.type == model::Type::dbus && !offer.owns.empty() && offer.bus == hosted_bus_name;
}

model::Offered make_hosted_bus(const std::vector<model::Offer>& owners,
                               const std::map<std::string, std::uint32_t>& uids, std::string socket) {
  model::Offered bus{"", model::Origin::host, {}};
  bus.offer.name = hosted_bus_name;
  bus.offer.type = model::Type::dbus;
  bus.offer.socket = std::move(socket);
  bus.offer.roles.emplace();
  for (const auto& [role, uid] : uids) bus.offer.roles->emplace(role, rules_of(role, uid, owners));
  return bus;
}

}  // namespace xc::grant
