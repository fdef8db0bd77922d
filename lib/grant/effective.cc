// Decisions about rights; pure. See effective.h.
#include "grant/effective.h"

#include <algorithm>

#include "base/text.h"
#include "model/address.h"

namespace xc::grant {
namespace {

using text::quoted;

std::string described(const model::Offered& offered) {
  return offered.provider.empty() ? "the host" : quoted(offered.provider);
}

bool allowed(const model::Link& link, std::string_view provider) {
  return std::ranges::any_of(link.grants, [&](const auto& grant) { return text::glob(grant.provider, provider); });
}

/// An image that nobody listed answers only those who ask for it by name. Otherwise any image could take over a service
/// in a moment in which its provider is down.
bool may_answer(const model::Link& link, const model::Offered& offered) {
  return offered.origin != model::Origin::image || link.provider == offered.provider;
}

int rank(const model::Offered& offered) {
  if (offered.origin != model::Origin::host) return 0;
  return offered.provider.empty() ? 2 : 1;
}

/// Rules for other protocols only must not become full rights on this one: a role with REST paths says nothing good
/// about a raw socket of the same service.
bool speaks_elsewhere(const model::RoleRules& rules, model::Type type) {
  if (!rules.rest && !rules.dbus && !rules.wayland && !rules.raw_unix && !rules.vchan) return false;
  switch (type) {
    case model::Type::raw_unix: return !rules.raw_unix;
    case model::Type::rest: return !rules.rest;
    case model::Type::dbus: return !rules.dbus;
    case model::Type::wayland: return !rules.wayland;
    case model::Type::vchan: return !rules.vchan;
    case model::Type::drm:
    case model::Type::input:
    case model::Type::chardev:
    case model::Type::count_: return false;  // no vocabulary: the role as such is the grant
  }
  return true;
}

std::unexpected<Error> no_rules_for(std::string_view whose, const model::Link& link, model::Type type) {
  return fail(Kind::policy, std::string(whose) + " has rules for the role " + quoted(link.role) + " of " +
                                quoted(link.service) + ", but none for its type " + quoted(name_of(type)));
}

/// Host policy's rules for the role with this provider: an alternative for every entry.
Result<model::Layer> policy_layer(const model::Link& link, const model::Offered& offered) {
  model::Layer layer;
  bool elsewhere = false;
  for (const model::ProviderGrant& grant : link.grants) {
    if (!text::glob(grant.provider, provider_name(offered))) continue;
    if (speaks_elsewhere(grant.rules, offered.offer.type))
      elsewhere = true;
    else
      layer.any.push_back(grant.rules);
  }
  if (!layer.any.empty()) return layer;
  if (elsewhere) return no_rules_for("host policy", link, offered.offer.type);
  return fail(Kind::policy, "no policy entry allows " + quoted(link.service) + " of " + described(offered) +
                                " in the role " + quoted(link.role));
}

/// The provider's rules for the role: a layer of one alternative, silent when the provider has no rules at all.
Result<model::Layer> provider_layer(const model::Link& link, const model::Offered& offered) {
  const model::Offer& offer = offered.offer;
  if (offer.allow && std::ranges::find(*offer.allow, link.role) == offer.allow->end())
    return fail(Kind::policy, described(offered) + " does not grant " + quoted(link.service) + " to the role " +
                                  quoted(link.role) + "; its \"allow\" names " +
                                  (offer.allow->empty() ? "none" : text::printable(text::join(*offer.allow, ", "))));
  if (!offer.roles) return model::Layer{{model::RoleRules{}}};
  const auto found = offer.roles->find(link.role);
  if (found != offer.roles->end()) {
    if (speaks_elsewhere(found->second, offer.type)) return no_rules_for(described(offered), link, offer.type);
    return model::Layer{{found->second}};
  }
  std::vector<std::string> known;
  for (const auto& [role, rules] : *offer.roles) known.push_back(role);
  return fail(Kind::policy, described(offered) + " has no role " + quoted(link.role) + " for " + quoted(link.service) +
                                "; its \"roles\" are " +
                                (known.empty() ? "none" : text::printable(text::join(known, ", "))));
}

bool names(const std::optional<std::vector<std::uint32_t>>& list, std::uint32_t number) {
  return !list || std::ranges::find(*list, number) != list->end();
}

/// The offer is the very vchan the link was planned for, and every document lets this domain talk to that port.
Result<> check_vchan(const model::Link& link, const model::Offered& offered, const model::Rights& rights) {
  const auto said = [](std::optional<std::uint32_t> port, std::optional<std::uint32_t> domain) {
    return "port " + text::number(port.value_or(0)) + " of domain " + text::number(domain.value_or(0));
  };
  const model::Offer& offer = offered.offer;
  if (!link.vchan)
    return fail(Kind::policy, described(offered) + " offers " + quoted(link.service) +
                                  " as vchan, but the link was planned as " + std::string(name_of(link.type)));
  if (offer.domain != link.vchan->server || offer.port != link.vchan->port)
    return fail(Kind::policy, described(offered) + " offers " + quoted(link.service) + " as " +
                                  said(offer.port, offer.domain) + ", but the link was planned for " +
                                  said(link.vchan->port, link.vchan->server));
  const auto allows = [&](const model::VchanRules& rules) {
    return names(rules.domains, link.vchan->client) && names(rules.ports, link.vchan->port);
  };
  if (permits(rights, &model::RoleRules::vchan, allows)) return {};
  return fail(Kind::policy, "domain " + text::number(link.vchan->client) + " may not talk to " +
                                said(offer.port, offer.domain) + " in the role " + quoted(link.role));
}

/// What the consumer itself asks for. Whether it may set properties is for the others to say; where none of them speaks
/// of buses at all it may not.
model::Layer asked_layer(model::DbusRules asks, const model::Rights& others) {
  const auto speaks = [](const model::Layer& layer) {
    return std::ranges::all_of(layer.any, [](const model::RoleRules& rules) { return rules.dbus.has_value(); });
  };
  asks.write = asks.write || std::ranges::any_of(others.layers, speaks);
  model::RoleRules rules;
  rules.dbus = std::move(asks);
  return {{std::move(rules)}};
}

/// Nobody stands in the way of a direct link, so nobody can hold a descriptor back.
Result<> check_direct(const model::Link& link, const model::Rights& rights) {
  if (model::descriptor_limit(rights) >= model::most_descriptors) return {};
  return fail(Kind::policy, "a direct link to " + quoted(link.service) + " lets every descriptor pass: the role " +
                                quoted(link.role) + " must allow them, with \"unix\": {\"fds\": " +
                                text::number(std::uint64_t{model::most_descriptors}) + "}");
}

/// A link that was planned before anybody offered the service may be at a port, which carries bytes alone.
Result<> check_port(const model::Link& link, const model::Offered& offered) {
  const model::Type type = offered.offer.type;
  if (!model::port_of(link.target) || type == model::Type::rest || type == model::Type::raw_unix) return {};
  return fail(Kind::policy, described(offered) + " offers " + quoted(link.service) + " as " +
                                std::string(name_of(type)) + ", but the link is at a port, which carries bytes alone");
}

}  // namespace

std::string_view provider_name(const model::Offered& offered) {
  return offered.provider.empty() ? host_name : std::string_view(offered.provider);
}

Result<std::vector<model::ProviderGrant>> decide_by_policy(std::string_view consumer, const model::Requirement& wanted,
                                                           const model::Policy& policy) {
  std::vector<model::ProviderGrant> grants;
  if (!policy.present) grants.emplace_back();
  for (const model::Grant& entry : policy.allow) {
    const bool matches = text::glob(entry.consumer, consumer) && text::glob(entry.service, wanted.name) &&
                         (wanted.provider.empty() || text::glob(entry.provider, wanted.provider));
    if (!policy.present || !matches) continue;
    for (const auto& [role, rules] : entry.roles)
      if (text::glob(role, wanted.role)) grants.push_back({entry.provider, rules});
  }
  if (!grants.empty()) return grants;
  std::string sentence = "no policy entry allows " + quoted(consumer) + " to use " + quoted(wanted.name);
  if (!wanted.provider.empty()) sentence += " of " + quoted(wanted.provider);
  return fail(Kind::policy, sentence + " in the role " + quoted(wanted.role));
}

std::vector<const model::Offered*> candidates(const model::Link& link, const std::vector<model::Offered>& offered) {
  std::vector<const model::Offered*> found;
  for (const model::Offered& one : offered) {
    const std::string_view name = provider_name(one);
    if (one.offer.name == link.service && (link.provider.empty() || link.provider == name) && allowed(link, name) &&
        may_answer(link, one))
      found.push_back(&one);
  }
  return found;
}

Result<const model::Offered*> choose(const model::Link& link, const std::vector<model::Offered>& offered) {
  const model::Offered* best = nullptr;
  const model::Offered* rival = nullptr;
  for (const model::Offered* one : candidates(link, offered)) {
    if (best == nullptr || rank(*one) > rank(*best)) {
      best = one;
      rival = nullptr;
    } else if (rank(*one) == rank(*best)) {
      rival = one;
    }
  }
  if (rival == nullptr) return best;
  if (rival->provider == best->provider)
    return fail(Kind::policy, described(*best) + " offers " + quoted(link.service) + " twice");
  return fail(Kind::policy, "both " + described(*best) + " and " + described(*rival) + " offer " +
                                quoted(link.service) + ": name the one that is meant as \"provider\"");
}

Result<Effective> narrow(const model::Link& planned, const model::Offered& offered) {
  const model::Offer& offer = offered.offer;
  if (!planned.type_assumed && offer.type != planned.type)
    return fail(Kind::policy, described(offered) + " offers " + quoted(planned.service) + " as " +
                                  std::string(name_of(offer.type)) + ", but the link was planned as " +
                                  std::string(name_of(planned.type)));
  if (offer.socket_kind != planned.socket_kind)
    return fail(Kind::policy, described(offered) + " offers " + quoted(planned.service) + " on a " +
                                  std::string(name_of(offer.socket_kind)) + " socket, but the link was planned for " +
                                  std::string(name_of(planned.socket_kind)));
  XC_CHECK(check_port(planned, offered));
  if (offer.socket.empty())
    return fail(Kind::policy,
                described(offered) + " owns " + quoted(offer.owns) + " on the bus " + quoted(offer.bus) +
                    " and has no socket for it: ask for the bus, with \"interface\": " + quoted(offer.owns));
  model::Layer host = XC_TRY(policy_layer(planned, offered));
  model::Layer provider = XC_TRY(provider_layer(planned, offered));
  Effective effective{offer.type, {{std::move(host), std::move(provider)}, planned.render_node}};
  const auto& uid = effective.rights.layers.back().any.front().uid;
  if (offer.type == model::Type::raw_unix) {
    effective.identity = offer.identity;
    effective.direct = offer.direct;
    if (offer.direct) XC_CHECK(check_direct(planned, effective.rights));
    if (offer.identity != model::Identity::credentials) return effective;
    effective.uid = uid;
    if (uid.value_or(0) != 0) return effective;
    return fail(Kind::policy, described(offered) + " knows who uses " + quoted(planned.service) +
                                  " by user, and has no \"uid\" other than 0 for the role " + quoted(planned.role));
  }
  if (offer.type == model::Type::vchan) XC_CHECK(check_vchan(planned, offered, effective.rights));
  if (offer.type != model::Type::dbus) return effective;
  if (offered.provider.empty()) effective.uid = uid;
  if (planned.asks) effective.rights.layers.push_back(asked_layer(*planned.asks, effective.rights));
  return effective;
}

std::optional<model::DeviceRules> device_rules(const model::Rights& rights) {
  for (const model::Layer& layer : rights.layers)
    for (const model::RoleRules& rules : layer.any)
      if (rules.device) return rules.device;
  return std::nullopt;
}

const std::string& socket_for(const model::Offer& offer, const std::string& role) {
  if (!offer.sockets) return offer.socket;
  const auto own = offer.sockets->find(role);
  return own == offer.sockets->end() ? offer.socket : own->second;
}

std::string vchan_name(const model::VchanEnds& ends) {
  return "vchan." + text::number(ends.server) + "." + text::number(ends.client) + "." + text::number(ends.port) +
         ".sock";
}

std::string address_for(const model::Offer& offer, const model::Link& link) {
  if (offer.type != model::Type::vchan || !link.vchan) return socket_for(offer, link.role);
  return offer.socket + "/" + vchan_name(*link.vchan);
}

Result<> may_offer(std::string_view provider, model::Origin origin, const model::Offer& offer,
                   const model::Policy& policy) {
  if (origin == model::Origin::host || !policy.present) return {};
  const bool listed = std::ranges::any_of(policy.offer, [&](const model::OfferGrant& entry) {
    return text::glob(entry.provider, provider) && text::glob(entry.service, offer.name);
  });
  if (listed) return {};
  return fail(Kind::policy, "no policy entry lets the image of " + quoted(provider) + " offer " + quoted(offer.name));
}

}  // namespace xc::grant
