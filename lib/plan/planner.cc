// The planner; pure. See planner.h. Order of a requirement: may it, who offers it, of which type, where.
#include "plan/planner.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/text.h"
#include "grant/effective.h"
#include "model/address.h"
#include "plan/auto_places.h"
#include "plan/describe.h"
#include "plan/devices.h"
#include "plan/pins.h"
#include "plan/places.h"
#include "plan/rules.h"
#include "plan/variables.h"

namespace xc::plan {
namespace {

using text::quoted;

/// A plan while it grows.
class Draft {
 public:
  Draft(const model::Policy& policy, const model::HostFacts& facts, const model::Container& container)
      : policy_(policy), facts_(facts), home_(value_of(container.env, "HOME")) {
    plan_.container = container;
  }

  Result<> add_offers(const model::Exports& exports, model::Origin origin);
  Result<> add_link(const model::Requirement& wanted);
  void add_warnings(const std::vector<std::string>& warnings) {
    for (const std::string& warning : warnings) warn(warning);
  }
  Result<model::Plan> finish();

 private:
  Result<model::Link> make_link(const model::Requirement& wanted);
  Result<> settle_provider(const model::Requirement& wanted, model::Link& link);
  Result<bool> settle_by_offer(const model::Requirement& wanted, model::Link& link);
  Result<bool> settle_by_declaration(const model::Requirement& wanted, model::Link& link);
  Result<> fit(const model::Requirement& wanted, const model::Offered& offered, model::Link& link);
  Result<> settle_vchan(const model::Requirement& wanted, const model::Offer* offer, model::Link& link);
  Result<> assume_type(const model::Requirement& wanted, model::Link& link);
  Result<> settle_device(const model::Requirement& wanted, model::Link& link);
  [[nodiscard]] Result<> check_form(std::string_view target) const;
  [[nodiscard]] Result<> check_fit(const model::Link& link, std::string_view place) const;
  Result<> choose_places(const model::Requirement& wanted, model::Link& link);
  [[nodiscard]] std::vector<std::string> proposals(const model::Link& link) const;
  Result<> settle_port(model::Link& link);
  void note_absence(const model::Link& link);

  void remark(std::string text) { plan_.notes.push_back({false, at_ + std::move(text)}); }
  void warn(std::string text) { plan_.notes.push_back({true, at_ + std::move(text)}); }

  const model::Policy& policy_;
  const model::HostFacts& facts_;
  std::string_view home_;
  std::string at_;  ///< where in which manifest: put in front of everything said about the requirement at hand
  model::Plan plan_;
};

Result<> Draft::add_offers(const model::Exports& exports, model::Origin origin) {
  XC_CHECK_IN("services.json", check_offers(exports));
  plan_.offers_origin = origin;
  // With policy, what is not listed is dropped below; what stays is listed.
  if (origin == model::Origin::image && policy_.present) plan_.offers_origin = model::Origin::listed_image;
  for (const model::Offer& offer : exports.offers) {
    if (const auto may = grant::may_offer(plan_.container.name, origin, offer, policy_); !may) {
      warn(may.error().text + "; it is not published");
      continue;
    }
    if (!is_supported(offer.type))
      warn("offered service " + quoted(offer.name) + ": " + check_type(offer.type).error().text);
    else if (const auto kind = check_socket_kind(offer.socket_kind, offer.direct); !kind)
      warn("offered service " + quoted(offer.name) + ": " + kind.error().text);
    plan_.offers.push_back(offer);
  }
  return {};
}

Result<> Draft::add_link(const model::Requirement& wanted) {
  at_ = (wanted.where.empty() ? "" : wanted.where + ": ");
  const auto refuse = [&](const Error& error) {
    return std::unexpected(Error{error.kind, at_ + error.text, error.code});
  };
  if (auto checked = check_requirement(wanted); !checked) return refuse(checked.error());
  at_ += "service " + quoted(wanted.name) + ": ";
  auto link = make_link(wanted);
  if (link) {
    plan_.links.push_back(*std::move(link));
  } else if (wanted.required || link.error().kind == Kind::manifest) {
    return refuse(link.error());
  } else {
    warn(link.error().text + "; it is optional, so the container starts without it");
  }
  at_.clear();
  return {};
}

Result<model::Plan> Draft::finish() {
  XC_CHECK(check_conflicts(plan_.links));
  // A shim gets the listeners of leases after those that its workers serve.
  std::vector<model::Link> leases;
  for (const model::Link& link : plan_.links)
    if (model::is_lease(link)) leases.push_back(link);
  std::erase_if(plan_.links, model::is_lease);
  std::ranges::move(leases, std::back_inserter(plan_.links));
  const bool gpu = std::ranges::any_of(
      plan_.links, [](const auto& link) { return link.type == model::Type::drm && model::is_node(link); });
  for (model::Link& link : plan_.links) link.render_node = gpu;
  if (!facts_.known_container && !plan_.links.empty())
    remark("planned from files alone: nobody was asked who offers what");
  const auto step = [&](model::StepKind kind, std::size_t link = 0) {
    plan_.steps.push_back({kind, static_cast<std::uint32_t>(link)});
  };
  if (plan_.links.empty() && plan_.offers.empty()) return std::move(plan_);
  step(model::StepKind::record);
  if (!plan_.offers.empty()) step(model::StepKind::publish);
  for (std::size_t i = 0; i < plan_.links.size(); ++i) {
    const bool node = model::is_node(plan_.links[i]);
    step(node ? model::StepKind::stage : model::StepKind::listen, i);
    if (node && !(plan_.links[i].device && plan_.links[i].device->lent)) step(model::StepKind::allow, i);
    step(model::StepKind::plant, i);
  }
  if (!plan_.links.empty()) step(model::StepKind::launch);
  return std::move(plan_);
}

Result<model::Link> Draft::make_link(const model::Requirement& wanted) {
  // The document first: a bad target is refused even where the link would not be made for another reason.
  for (const std::string& target : wanted.targets)
    if (auto checked = check_form(target); !checked && checked.error().kind == Kind::manifest)
      return std::unexpected(checked.error());
  model::Link link;
  link.service = wanted.name;
  link.role = wanted.role;
  link.required = wanted.required;
  link.provider = wanted.provider;
  link.grants = XC_TRY(grant::decide_by_policy(plan_.container.name, wanted, policy_));
  link.asks = wanted.dbus;
  XC_CHECK(settle_provider(wanted, link));
  XC_CHECK(check_interface(wanted, link.type));
  XC_CHECK(check_type(link.type));
  if (model::is_device(link.type)) XC_CHECK(settle_device(wanted, link));
  XC_CHECK(choose_places(wanted, link));
  note_absence(link);
  return link;
}

/// Type and kind of the link, from whoever knows best: a provider that is up, a manifest that declares the service, the
/// requirement itself.
Result<> Draft::settle_provider(const model::Requirement& wanted, model::Link& link) {
  if (XC_TRY(settle_by_offer(wanted, link))) return {};
  if (XC_TRY(settle_by_declaration(wanted, link))) return {};
  return assume_type(wanted, link);
}

/// What a provider says of the service must fit the link; a fault in its manifest is not the consumer's.
Result<> Draft::fit(const model::Requirement& wanted, const model::Offered& offered, model::Link& link) {
  link.type = offered.offer.type;
  link.socket_kind = offered.offer.socket_kind;
  XC_CHECK(settle_vchan(wanted, &offered.offer, link));
  link.direct = XC_TRY(grant::narrow(link, offered)).direct;
  XC_CHECK(check_abstract(offered.offer.socket, wanted, facts_.shared_netns));
  XC_CHECK(check_socket_kind(offered.offer.socket_kind, offered.offer.direct));
  if (auto sound = check_offer(offered.offer); !sound) return fail(Kind::plant, sound.error().text);
  return {};
}

Result<bool> Draft::settle_by_offer(const model::Requirement& wanted, model::Link& link) {
  const model::Offered* offered = XC_TRY(grant::choose(link, facts_.offered));
  if (offered == nullptr) return false;
  XC_CHECK(fit(wanted, *offered, link));
  if (!wanted.type.empty() && wanted.type != name_of(link.type))
    remark("asked for as " + quoted(wanted.type) + ", but the provider's type counts: " + quoted(name_of(link.type)));
  if (link.type == model::Type::dbus) {
    const auto effective = XC_TRY(grant::narrow(link, *offered));
    const std::string who = effective.uid ? "; the bus knows it as user " + text::number(*effective.uid) : "";
    remark("in effect is what all of these allow: " + describe_bus(effective.rights) + who);
  }
  remark("offered now by " + (offered->provider.empty() ? std::string("the host") : quoted(offered->provider)) +
         " at " + quoted(offered->offer.socket));
  return true;
}

/// Declared providers may be alternatives of which only one ever runs, so any that would accept the link will do.
Result<bool> Draft::settle_by_declaration(const model::Requirement& wanted, model::Link& link) {
  if (!facts_.declared) return false;
  const auto candidates = grant::candidates(link, *facts_.declared);
  if (candidates.empty() && facts_.others_may_offer) return false;
  Result<> verdict = fail(Kind::plant, "no manifest on this host declares a service of that name for it");
  for (const model::Offered* declared : candidates) {
    verdict = fit(wanted, *declared, link);
    if (verdict) return true;
  }
  return std::unexpected(verdict.error());
}

/// Nobody knows the service, which is no error: its provider may be installed later. The requirement's own words decide
/// what to listen for, and the provider's offer what is mediated once it is there.
Result<> Draft::assume_type(const model::Requirement& wanted, model::Link& link) {
  link.type_assumed = true;
  link.socket_kind = wanted.socket_kind;
  XC_CHECK(check_socket_kind(link.socket_kind, true));  // as its provider will have to offer it
  const auto named = model::type_of(wanted.type);
  if (!wanted.type.empty() && !named) return fail(Kind::plant, "type " + quoted(wanted.type) + " is not known");
  const auto placed = wanted.targets.empty() ? std::nullopt : type_by_place(wanted.targets.front());
  const bool bus_name = wanted.interface.find('.') != std::string::npos;
  link.type = named ? *named : placed ? *placed : bus_name ? model::Type::dbus : model::Type::raw_unix;
  return settle_vchan(wanted, nullptr, link);
}

/// Both ends of a vchan are in the name of its socket, so both must be known when it is planted. It has one client.
Result<> Draft::settle_vchan(const model::Requirement& wanted, const model::Offer* offer, model::Link& link) {
  link.vchan.reset();
  if (link.type != model::Type::vchan) return {};
  if (!wanted.vchan) return fail(Kind::plant, R"(a vchan needs the consumer's own "domain")");
  const auto& [own, server, port] = *wanted.vchan;
  if (offer == nullptr && (!server || !port))
    return fail(Kind::plant, R"(nobody has declared this vchan, so its "server" and "port" must be named)");
  link.vchan =
      model::VchanEnds{server ? *server : offer->domain.value_or(0), own, port ? *port : offer->port.value_or(0)};
  link.limits.connections = 1;
  return {};
}

/// A device is granted as it is when the container starts: nothing could be put in later.
Result<> Draft::settle_device(const model::Requirement& wanted, model::Link& link) {
  XC_CHECK(check_device_role(link));
  link.device = device_in_words(link);
  const model::Offered* offered = XC_TRY(grant::choose(link, facts_.offered));
  if (offered == nullptr && !facts_.known_container) return {};
  if (offered == nullptr)
    return fail(Kind::plant,
                "nobody offers the device " + quoted(wanted.name) +
                    " now, and it must be there when the container starts: start its provider first, or declare it "
                    "in /etc/xconnect/services.d");
  const auto effective = XC_TRY(grant::narrow(link, *offered));
  link.device = XC_TRY(identify(link, *offered, facts_.nodes));
  if (const auto rules = grant::device_rules(effective.rights)) link.device->rules = *rules;
  return facts_.rootless ? lend(*link.device) : Result<>{};
}

/// Before the type is known: a place that suits a device of any sort may still turn out to be for a socket.
Result<> Draft::check_form(std::string_view target) const {
  auto checked = check_target(target, home_);
  return !checked && check_device_target(target) ? Result<>{} : checked;
}

Result<> Draft::check_fit(const model::Link& link, std::string_view place) const {
  const bool port = place.starts_with("tcp:");
  const bool datagrams = model::is_of_datagrams(link);
  if (model::is_lease(link) && (port || place.starts_with('@')))
    return fail(Kind::manifest, "target " + quoted(place) +
                                    " is a name that neighbours could use, and a lease is a screen: use a path");
  if ((datagrams && !place.starts_with('/')) || (model::redirected_path(place) && model::is_lease(link)))
    return fail(Kind::manifest,
                "target " + quoted(place) +
                    " is for connections that a shim carries: a lease or a datagram socket needs a path");
  if (link.type == model::Type::chardev && place.starts_with('/')) return check_device_target(place);
  XC_CHECK(check_target(place, home_));
  if (port && link.socket_kind == model::SocketKind::seqpacket)
    return fail(Kind::manifest, "target " + quoted(place) +
                                    " carries bytes alone: no descriptors, no messages, no credentials; use a path");
  return check_place_for(model::is_lease(link) ? model::Type::raw_unix : link.type, place);
}

/// Every candidate that can be planted, in order. Which of them it becomes is found out by trying.
Result<> Draft::choose_places(const model::Requirement& wanted, model::Link& link) {
  Result<> refused =
      fail(Kind::plant, "no default target exists for type " + quoted(name_of(link.type)) + ": name one as \"target\"");
  const auto consider = [&](const std::string& place) -> Result<> {
    XC_CHECK(check_abstract(place, wanted, facts_.shared_netns));
    XC_CHECK(check_neighbours(place, wanted, facts_.net_neighbours));
    XC_CHECK(check_fit(link, place));
    XC_CHECK(check_redirection(place, plan_.container, facts_));
    if (std::ranges::find(link.places, place) == link.places.end()) link.places.push_back(place);
    return {};
  };
  for (const std::string& target : wanted.targets.empty() ? std::vector<std::string>{"auto"} : wanted.targets) {
    const bool guessed = target == "auto";
    const auto places = guessed ? proposals(link) : std::vector{target};
    for (const std::string& place : places) {
      const Result<> fits = consider(place);
      if (fits) continue;
      if (!guessed && fits.error().kind == Kind::manifest) return fits;
      link.passed_over.push_back({place, fits.error().text});
      refused = fits;
    }
  }
  if (link.places.empty()) return refused;
  XC_CHECK(keep_promise(pinned_place(plan_.container.annotations, link), link));
  link.target = link.places.front();
  link.padded = wanted.padded;
  XC_CHECK(settle_port(link));
  if (link.target.starts_with('/') && link.target.size() > connectable_limit)
    warn("target " + quoted(link.target) + " is longer than 107 bytes: clients can reach it by a relative path only");
  return {};
}

/// What is lost by a port, and what makes up for some of it.
Result<> Draft::settle_port(model::Link& link) {
  if (!model::may_be_a_port(link)) return {};
  const std::string variable = token_variable(link.service);
  link.token = value_of(plan_.container.env, variable);
  if (!link.token.empty() && !is_token(link.token))
    return fail(Kind::manifest, "the variable " + variable + " must be 16 to 256 visible characters without blanks");
  remark(
      "a port carries bytes alone, says nobody who calls, and every program in the container's network namespace can "
      "connect" +
      (link.token.empty() ? "; " + variable +
                                " in the container's environment would be asked of clients "
                                "that speak HTTP"
                          : std::string("; clients must say the token in ") + variable + " if they speak HTTP"));
  return {};
}

/// A node appears as the kernel calls it, which is where programs look; a lease is a socket.
std::vector<std::string> Draft::proposals(const model::Link& link) const {
  if (link.vchan) return vchan_places(*link.vchan, plan_.container.env);
  if (!model::is_device(link.type)) return auto_places(link.type, link.service, plan_.container.env);
  if (!model::is_node(link)) return auto_places(model::Type::raw_unix, link.service, plan_.container.env);
  return {device_place(link)};
}

void Draft::note_absence(const model::Link& link) {
  if (!facts_.known_container || !grant::candidates(link, facts_.offered).empty()) return;
  for (const model::Offered& offered : facts_.offered)
    if (offered.offer.name == link.service)
      remark("offered now by " + quoted(grant::provider_name(offered)) +
             ", which this link may not use: only the provider that is asked for and allowed counts");
  remark(link.type == model::Type::rest ? "not offered by anybody yet: calls answer 503 until it is"
                                        : "not offered by anybody yet: connections are closed at once until it is");
  if (link.type_assumed)
    remark("its type is assumed to be " + quoted(name_of(link.type)) + " until somebody offers it");
}

}  // namespace

Result<model::Plan> make_plan(const model::Container& container, const model::Manifest& manifest,
                              const model::Exports& exports, model::Origin exports_origin, const model::Policy& policy,
                              const model::HostFacts& facts) {
  XC_CHECK(check_container(container));
  XC_CHECK(check_count(manifest));
  Draft draft(policy, facts, container);
  draft.add_warnings(exports.warnings);
  XC_CHECK(draft.add_offers(exports, exports_origin));
  draft.add_warnings(manifest.warnings);
  for (const model::Requirement& wanted : manifest.requirements) XC_CHECK(draft.add_link(wanted));
  return draft.finish();
}

}  // namespace xc::plan
