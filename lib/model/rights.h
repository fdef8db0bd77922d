// What may be done on one link when several documents have a say. Structs and the two questions asked of them.
//
// Every document is a layer, and all layers must agree. Inside a layer each alternative is one entry of that document
// (two policy entries that match the same consumer), and any of them suffices: each keeps its own list, because lists
// merged into one would allow the upgrade of one entry on the paths of the other.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/service.h"

namespace xc::model {

/// One document's word; without an alternative it allows nothing.
struct Layer {
  std::vector<RoleRules> any;
};
template <class A>
void fields(A& a, Layer& l) {
  a("any", l.any);
}

/// The effective rights of one connection; without a layer nothing is restricted, and nothing special granted.
struct Rights {
  std::vector<Layer> layers;
  bool render_node = false;  ///< the consumer has a GPU as well (Link)
};
template <class A>
void fields(A& a, Rights& r) {
  a("layers", r.layers);
  a("render-node", r.render_node);
}

/// What host policy leaves of a role when the service comes from a provider matching `provider` (glob). Decided when
/// the plan is made and kept in the link, because the provider may come later, and may be another one than expected.
struct ProviderGrant {
  std::string provider = "*";
  RoleRules rules;
};
template <class A>
void fields(A& a, ProviderGrant& g) {
  a("provider", g.provider);
  a("rules", g.rules);
}

/// For what is on unless restricted (requests, calls, globals): true when every layer has an alternative that is silent
/// about the protocol or for which `allows(rules)` holds. As in `permits(rights, &RoleRules::rest, matches)`.
template <class Rules, class Allows>
[[nodiscard]] bool permits(const Rights& rights, std::optional<Rules> RoleRules::* protocol, const Allows& allows) {
  return std::ranges::all_of(rights.layers, [&](const Layer& layer) {
    return std::ranges::any_of(
        layer.any, [&](const RoleRules& rules) { return !(rules.*protocol) || allows(*(rules.*protocol)); });
  });
}

/// For what is off unless granted (descriptors, upgrades): permitted, and at least one alternative says so itself.
template <class Rules, class Allows>
[[nodiscard]] bool grants(const Rights& rights, std::optional<Rules> RoleRules::* protocol, const Allows& allows) {
  return permits(rights, protocol, allows) && std::ranges::any_of(rights.layers, [&](const Layer& layer) {
           return std::ranges::any_of(
               layer.any, [&](const RoleRules& rules) { return rules.*protocol && allows(*(rules.*protocol)); });
         });
}

/// Descriptors a message may carry on a raw socket: the least of the layers that speak, 0 when none does (R26).
[[nodiscard]] std::uint32_t descriptor_limit(const Rights& rights);

/// The same for a vchan: those of an offer of memory, unless a layer forbids it.
[[nodiscard]] std::uint32_t vchan_descriptor_limit(const Rights& rights);

}  // namespace xc::model
