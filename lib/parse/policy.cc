#include "parse/policy.h"

#include "parse/roles.h"

namespace xc::parse {
namespace {

constexpr std::string_view policy_format = "xconnect-policy@1";
constexpr std::size_t most_entries = 256;

/// "roles": an object of roles with their rules, or a list of roles that bring no rules of the host's.
Result<std::map<std::string, model::RoleRules>> read_granted(View view, std::vector<std::string>& warnings) {
  if (view.is(Form::object)) return read_roles(view, word::role_pattern, warnings);
  if (!view.is(Form::list)) return view.expected("a list of roles, or an object of roles");
  const std::vector<std::string> roles = XC_TRY(read_words(view, word::role_pattern, 0, most_services));
  std::map<std::string, model::RoleRules> granted;
  for (const std::string& role : roles) granted.emplace(role, model::RoleRules{});
  return granted;
}

Result<model::Grant> read_grant(View view, std::vector<std::string>& warnings) {
  if (!view.is(Form::object)) return view.expected("an object with \"consumer\", \"service\" and \"roles\"");
  XC_CHECK(refuse_others(view, {"consumer", "service", "provider", "roles"}));
  model::Grant grant;
  grant.consumer = XC_TRY(read_key(view, "consumer", word::pattern));
  grant.service = XC_TRY(read_key(view, "service", word::pattern));
  XC_CHECK(read_key_if(view, "provider", word::provider_pattern, grant.provider));
  const View roles = XC_TRY(read_member(view, "roles"));
  grant.roles = XC_TRY(read_granted(roles, warnings));
  return grant;
}

Result<model::OfferGrant> read_offer_grant(View view) {
  if (!view.is(Form::object)) return view.expected("an object with \"provider\" and \"service\"");
  XC_CHECK(refuse_others(view, {"provider", "service"}));
  model::OfferGrant grant;
  grant.provider = XC_TRY(read_key(view, "provider", word::pattern));
  grant.service = XC_TRY(read_key(view, "service", word::pattern));
  return grant;
}

}  // namespace

Result<model::Policy> parse_policy(std::string_view text, std::string_view file) {
  const Document document = XC_TRY(Document::parse(text, file, manifest_limits));
  const View root = document.root();
  if (!root.is(Form::object)) return root.expected("an object with \"allow\" and \"offer\"");
  XC_CHECK(refuse_others(root, {"allow", "offer"}));
  if (const auto format = root.find("#spec"); format && format->text() != policy_format)
    return format->expected("\"" + std::string(policy_format) + "\"");
  model::Policy policy{.present = true, .allow = {}, .offer = {}, .warnings = {}};
  if (const auto allow = root.find("allow")) {
    const std::vector<View> entries = XC_TRY(read_list(*allow, "grants", most_entries));
    for (const View& entry : entries) policy.allow.push_back(XC_TRY(read_grant(entry, policy.warnings)));
  }
  if (const auto offer = root.find("offer")) {
    const std::vector<View> entries = XC_TRY(read_list(*offer, "grants", most_entries));
    for (const View& entry : entries) policy.offer.push_back(XC_TRY(read_offer_grant(entry)));
  }
  return policy;
}

Result<model::RoleRules> parse_rules(std::string_view text, std::string_view file, model::Type type) {
  const Document document = XC_TRY(Document::parse(text, file, manifest_limits));
  const View root = document.root();
  std::vector<std::string> warnings;  // for a person who tries rules, what is answered tells as much
  if (root.find(model::name_of(type))) return read_role(root, warnings);
  return read_protocol(root, type, warnings);
}

}  // namespace xc::parse
