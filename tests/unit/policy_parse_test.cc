// Host policy and rules of one protocol.
#include "parse/policy.h"

#include <gtest/gtest.h>

#include "parse/validate.h"
#include "parse_error.h"

namespace xc::parse {
namespace {

std::string refusal(std::string_view text) {
  return error_of(parse_policy(text, "p.json"));
}

TEST(ParsePolicy, ReadsGrants) {
  const auto policy = parse_policy(R"({"#spec":"xconnect-policy@1",
      "allow":[{"consumer":"dialer-*","service":"modem-api","provider":"@host","roles":{"viewer":{"rest":"all"}}},
               {"consumer":"*","service":"panel","roles":["ui","gpu-*"]}],
      "offer":[{"provider":"modem*","service":"modem-api"}]})",
                                   "p.json");
  ASSERT_TRUE(policy) << error_of(policy);
  EXPECT_TRUE(policy->present);
  ASSERT_EQ(policy->allow.size(), 2U);
  EXPECT_EQ(policy->allow[0].consumer, "dialer-*");
  EXPECT_EQ(policy->allow[0].provider, "@host");
  EXPECT_TRUE(policy->allow[0].roles.at("viewer").rest->all);
  EXPECT_EQ(policy->allow[1].provider, "*");
  ASSERT_EQ(policy->allow[1].roles.size(), 2U);
  EXPECT_FALSE(policy->allow[1].roles.at("gpu-*").rest);
  ASSERT_EQ(policy->offer.size(), 1U);
  EXPECT_EQ(policy->offer[0].provider, "modem*");
  EXPECT_TRUE(validate(*policy));
}

TEST(ParsePolicy, AnEmptyPolicyIsAPolicyThatAllowsNothing) {
  const auto policy = parse_policy("{}", "p.json");
  ASSERT_TRUE(policy);
  EXPECT_TRUE(policy->present);
  EXPECT_TRUE(policy->allow.empty());
}

TEST(ParsePolicy, RefusesWhatItDoesNotKnow) {
  const struct {
    const char* text;
    const char* error;
  } rows[] = {
      {"[]", "p.json: expected an object with \"allow\" and \"offer\", found an empty list"},
      {R"({"deny":[]})",
       "p.json: /deny: is not known here, and ignoring it could grant too much; known are \"allow\" and \"offer\""},
      {R"({"#spec":"xconnect-policy@2"})",
       "p.json: /#spec: expected \"xconnect-policy@1\", found a string (\"xconnect-policy@2\")"},
      {R"({"#spec":1})", "p.json: /#spec: expected \"xconnect-policy@1\", found a number (1)"},
      {R"({"allow":{}})", "p.json: /allow: expected a list of grants, found an empty object"},
      {R"({"allow":["x"]})",
       "p.json: /allow/0: expected an object with \"consumer\", \"service\" and \"roles\", found a string (\"x\")"},
      {R"({"allow":[{"service":"s","roles":[]}]})", "p.json: /allow/0: has no \"consumer\", which it must have"},
      {R"({"allow":[{"consumer":"c","roles":[]}]})", "p.json: /allow/0: has no \"service\", which it must have"},
      {R"({"allow":[{"consumer":"c","service":"s"}]})", "p.json: /allow/0: has no \"roles\", which it must have"},
      {R"({"allow":[{"consumer":"c","service":"s","roles":"any"}]})",
       "p.json: /allow/0/roles: expected a list of roles, or an object of roles, found a string (\"any\")"},
      {R"({"allow":[{"consumer":"c d","service":"s","roles":[]}]})",
       "p.json: /allow/0/consumer: expected a pattern of at most 64 letters, digits, '_', '.', '-', '*' or '?', found "
       "a "
       "string (\"c d\")"},
      {R"({"allow":[{"consumer":"@host","service":"s","roles":[]}]})",
       "p.json: /allow/0/consumer: expected a pattern of at most 64 letters, digits, '_', '.', '-', '*' or '?', found "
       "a "
       "string (\"@host\")"},
      {R"({"allow":[{"consumer":"c","service":"s","roles":[],"role":"x"}]})",
       "p.json: /allow/0/role: is not known here, and ignoring it could grant too much; known are \"consumer\", "
       "\"service\", \"provider\" and \"roles\""},
      {R"({"offer":[{"provider":"p"}]})", "p.json: /offer/0: has no \"service\", which it must have"},
      {R"({"offer":[{"provider":"p","service":"s","roles":[]}]})",
       "p.json: /offer/0/roles: is not known here, and ignoring it could grant too much; known are \"provider\" and "
       "\"service\""},
  };
  for (const auto& [text, error] : rows) EXPECT_EQ(refusal(text), error);
}

TEST(ParsePolicy, CountsEntries) {
  const auto text = [](int count) {
    std::string out;
    for (int i = 0; i < count; ++i) out += (i == 0 ? "" : ",") + std::string(R"({"provider":"p","service":"s"})");
    return R"({"offer":[)" + out + "]}";
  };
  EXPECT_EQ(refusal(text(256)), "");
  EXPECT_EQ(refusal(text(257)), "p.json: /offer: holds 257 grants, more than the 256 allowed");
}

TEST(ParseRules, TakesTheValueOrAWholeRole) {
  using model::Type;
  const auto bare = parse_rules(R"([{"methods":["*"],"paths":["/"]}])", "r.json", Type::rest);
  ASSERT_TRUE(bare) << error_of(bare);
  EXPECT_EQ(bare->rest->rules.size(), 1U);
  const auto role = parse_rules(R"({"rest":"all","unix":{"fds":2}})", "r.json", Type::rest);
  ASSERT_TRUE(role) << error_of(role);
  EXPECT_TRUE(role->rest->all);
  EXPECT_EQ(role->raw_unix->fds, 2U);
  const auto upgrade = parse_rules(R"({"rules":[],"upgrade":true})", "r.json", Type::rest);
  ASSERT_TRUE(upgrade) << error_of(upgrade);
  EXPECT_TRUE(upgrade->rest->upgrade);
  EXPECT_EQ(parse_rules(R"("ui")", "r.json", Type::wayland)->wayland->roles, std::vector<std::string>{"ui"});
  EXPECT_TRUE(parse_rules(R"("all")", "r.json", Type::dbus)->dbus->all);
  EXPECT_EQ(parse_rules(R"({"fds":3})", "r.json", Type::raw_unix)->raw_unix->fds, 3U);
  EXPECT_EQ(error_of(parse_rules("{}", "r.json", Type::drm)),
            "r.json: services of type drm have no rules; those with rules are rest, dbus, wayland, unix and vchan");
}

}  // namespace
}  // namespace xc::parse
