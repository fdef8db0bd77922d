#include "parse/validate.h"

#include <algorithm>

#include "base/escape.h"
#include "base/text.h"
#include "parse/engine.h"
#include "parse/field.h"
#include "parse/wayland_rules.h"
#include "parse/words.h"

namespace xc::parse {
namespace {

constexpr std::size_t most_text = 4095;
constexpr std::size_t most_entries = 256;

/// Gathers answers; `what` is the first question that was answered with no.
class Inspection {
 public:
  void demand(bool good, std::string_view what) {
    if (!good && what_.empty()) what_ = what;
  }
  void demand(std::string_view text, const Word& kind, std::string_view what) {
    demand(text.size() <= most_text && kind.fits(text), what);
  }
  void demand(const std::vector<std::string>& texts, const Word& kind, std::string_view what) {
    demand(texts.size() <= most_entries, what);
    for (const std::string& text : texts) demand(text, kind, what);
  }
  /// Absent is good as well.
  void allow(std::string_view text, const Word& kind, std::string_view what) {
    if (!text.empty()) demand(text, kind, what);
  }
  [[nodiscard]] Result<> outcome() const {
    if (what_.empty()) return {};
    return fail(Kind::manifest, "the reading process sent back " + what_ + " that no document can have");
  }

 private:
  std::string what_;
};

bool fits_absolute(std::string_view text) {
  return is_plain(text) && text.starts_with('/');
}
bool fits_warning(std::string_view text) {
  return text::printable(text, most_text) == text;
}
const Word absolute{fits_absolute, ""};
const Word warning{fits_warning, ""};

void inspect(Inspection& ask, const model::DbusRules& rules) {
  for (const auto* names : {&rules.see, &rules.talk, &rules.own, &rules.interface})
    ask.demand(*names, word::bus_pattern, "a bus name");
  for (const auto* calls : {&rules.call, &rules.broadcast}) ask.demand(*calls, word::bus_rule, "a bus rule");
  ask.demand(rules.rules.size() <= most_entries, "bus rules");
  for (const model::DbusRule& rule : rules.rules) {
    ask.demand(rule.name, word::bus_pattern, "a bus name");
    ask.allow(rule.interface, word::interface, "an interface");
    ask.allow(rule.member, word::member_pattern, "a member");
    ask.allow(rule.path, word::object_pattern, "an object path");
    for (const auto& [number, text] : rule.args)
      ask.demand(number.size() == 1 && number >= "0" && number <= "3" && text.size() <= most_text, "an argument");
    ask.demand(rule.fds.value_or(0) <= model::most_descriptors, "a descriptor limit");
  }
  ask.demand(rules.fds <= model::most_descriptors, "a descriptor limit");
}

void inspect(Inspection& ask, const model::RoleRules& rules) {
  if (rules.rest) {
    ask.demand(!rules.rest->all || rules.rest->rules.empty(), "rules");
    ask.demand(rules.rest->rules.size() <= most_entries, "rules");
    const std::string protocol = rules.rest->protocol.value_or("h2c");
    ask.demand(protocol == "h2c" || protocol == "http/1.1", "protocol");
    for (const model::RestRule& rule : rules.rest->rules) {
      ask.demand(!rule.methods.empty() && !rule.paths.empty(), "rules");
      ask.demand(rule.methods, word::method, "a method");
      ask.demand(rule.paths, word::path_pattern, "a path");
    }
  }
  if (rules.dbus) inspect(ask, *rules.dbus);
  if (rules.wayland) ask.demand(is_wayland(*rules.wayland), "a Wayland role");
  if (rules.raw_unix) ask.demand(rules.raw_unix->fds <= model::most_descriptors, "a descriptor limit");
  ask.demand(rules.uid != std::optional<std::uint32_t>(0xffffffffU), "a user");
  if (!rules.device) return;
  ask.demand(rules.device->uid != 0xffffffffU && rules.device->gid != 0xffffffffU, "a user");
  ask.demand((rules.device->mode & ~0666U) == 0 && (rules.device->directory.value_or(0) & ~0777U) == 0, "a mode");
}

void inspect(Inspection& ask, const std::map<std::string, model::RoleRules>& roles, const Word& kind) {
  ask.demand(roles.size() <= most_services, "roles");
  for (const auto& [role, rules] : roles) {
    ask.demand(role, kind, "a role");
    inspect(ask, rules);
  }
}

void inspect(Inspection& ask, const std::map<std::string, std::string>& annotations) {
  for (const auto& [key, value] : annotations) {
    ask.demand(is_kept_annotation(key) && is_plain(key), "an annotation");
    ask.demand(is_plain(value), "an annotation");
  }
}

void inspect(Inspection& ask, const model::Requirement& wanted) {
  ask.demand(wanted.name, word::name, "a service");
  ask.demand(wanted.role, word::role, "a role");
  ask.allow(wanted.type, word::name, "a type");
  ask.allow(wanted.interface, word::plain, "an interface");
  if (wanted.dbus) inspect(ask, *wanted.dbus);
  ask.allow(wanted.provider, word::provider, "a provider");
  ask.demand(wanted.targets, word::plain, "a target");
  ask.demand(wanted.where, warning, "a place");
  ask.demand(wanted.env.size() <= most_entries, "variables");
  for (const auto& [name, value] : wanted.env) {
    ask.demand(name, word::variable, "a variable");
    ask.demand(value, word::plain, "a variable");
  }
}

void inspect(Inspection& ask, const model::Offer& offer) {
  const bool named_by_bus = !offer.owns.empty() && offer.name == offer.owns;
  ask.demand(offer.name, named_by_bus ? word::bus_name : word::name, "a service");
  ask.demand(!offer.socket.empty() || !offer.owns.empty(), "a service without socket");
  ask.allow(offer.socket, word::plain, "a socket");
  ask.allow(offer.bus, word::name, "a bus");
  const bool vchan = offer.type == model::Type::vchan;
  ask.demand(offer.domain.has_value() == vchan && offer.port.has_value() == vchan, "a vchan");
  ask.allow(offer.owns, word::bus_name, "a bus name");
  ask.allow(offer.role, word::name, "a role");
  if (offer.allow) ask.demand(*offer.allow, word::role, "a role");
  ask.demand((!offer.identity && !offer.sockets) || offer.type == model::Type::raw_unix, "an identity");
  if (offer.sockets) {
    for (const auto& [role, socket] : *offer.sockets) {
      ask.demand(role, word::name, "a role");
      ask.demand(socket, word::plain, "a socket");
    }
  }
  if (offer.roles) inspect(ask, *offer.roles, word::role);
}

}  // namespace

Result<> validate(const model::OciState& value) {
  Inspection ask;
  ask.demand(value.id, word::plain, "an id");
  ask.demand(value.status, word::name, "a status");
  ask.allow(value.bundle, absolute, "a bundle");
  ask.demand(value.pid >= 0 && value.pid <= model::highest_pid, "a pid");
  inspect(ask, value.annotations);
  return ask.outcome();
}

Result<> validate(const model::OciConfig& value) {
  Inspection ask;
  ask.demand(value.root_path, word::plain, "a root");
  ask.allow(value.notified, absolute, "a path");
  inspect(ask, value.annotations);
  for (const std::string& variable : value.env)
    ask.demand(variable.find('\0') == std::string::npos && variable.find('=') != std::string::npos, "a variable");
  return ask.outcome();
}

Result<> validate(const model::Proposal& value) {
  return validate(value.config);
}

Result<> validate(const model::Label& value) {
  Inspection ask;
  const auto& kind = value.kind;
  ask.demand(kind.empty() || kind == "run" || kind == "services" || kind == "policy", "a kind");
  return ask.outcome();
}

Result<> validate(const model::Manifest& value) {
  Inspection ask;
  ask.allow(value.name, word::plain, "a name");
  ask.demand(value.requirements.size() <= most_services, "requirements");
  for (const model::Requirement& wanted : value.requirements) inspect(ask, wanted);
  ask.demand(value.warnings, warning, "a warning");
  return ask.outcome();
}

Result<> validate(const model::Exports& value) {
  Inspection ask;
  ask.demand(value.offers.size() <= most_services, "offers");
  for (const model::Offer& offer : value.offers) inspect(ask, offer);
  ask.demand(value.warnings, warning, "a warning");
  return ask.outcome();
}

Result<> validate(const model::Policy& value) {
  Inspection ask;
  ask.demand(value.present, "a policy");
  ask.demand(value.allow.size() <= most_entries && value.offer.size() <= most_entries, "a policy");
  for (const model::Grant& grant : value.allow) {
    ask.demand(grant.consumer, word::pattern, "a consumer");
    ask.demand(grant.service, word::pattern, "a service");
    ask.demand(grant.provider, word::provider_pattern, "a provider");
    inspect(ask, grant.roles, word::role_pattern);
  }
  for (const model::OfferGrant& grant : value.offer) {
    ask.demand(grant.provider, word::pattern, "a provider");
    ask.demand(grant.service, word::pattern, "a service");
  }
  ask.demand(value.warnings, warning, "a warning");
  return ask.outcome();
}

Result<> validate(const model::Event& value) {
  Inspection ask;
  ask.demand(!value.event.empty() && value.event.size() <= 16, "an event");
  ask.demand(!value.payload || text::bytes_of_hex(*value.payload), "a payload");
  return ask.outcome();
}

Result<> validate(const model::Revision& value) {
  Inspection ask;
  ask.demand(value.members.size() <= most_entries, "containers");
  for (const model::Member& member : value.members) {
    ask.demand(member.name, word::name, "a container");
    ask.allow(member.fault, warning, "a fault");
    if (member.wants) XC_CHECK(validate(*member.wants));
    if (member.offers) XC_CHECK(validate(*member.offers));
  }
  return ask.outcome();
}

Result<> validate(const model::RoleUids& value) {
  Inspection ask;
  for (const auto& [role, uid] : value.uids) {
    ask.demand(role, word::name, "a role");
    ask.demand(uid != 0 && uid != 0xffffffffU, "a user");
  }
  return ask.outcome();
}

}  // namespace xc::parse
