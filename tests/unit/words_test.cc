// What words in documents may look like, and what validate() refuses although it unpacks.
#include "parse/words.h"

#include <gtest/gtest.h>

#include <functional>

#include "mediate/dbus_policy.h"
#include "parse/validate.h"
#include "parse_error.h"

namespace xc::parse {
namespace {

TEST(Words, BusNamesFollowTheSpecification) {
  for (const char* good : {"a.b", "org.acme.Modem1", "_a._b", "a-b.c-d"}) EXPECT_TRUE(is_bus_name(good)) << good;
  for (const char* bad : {"", "a", ".a.b", "a.b.", "a..b", "a.1b", ":1.5", "a.b c", "a.b*"})
    EXPECT_FALSE(is_bus_name(bad)) << bad;
  EXPECT_TRUE(is_bus_name("a." + std::string(253, 'b')));
  EXPECT_FALSE(is_bus_name("a." + std::string(254, 'b')));
}

TEST(Words, BusPatternsEndWithAStarElement) {
  for (const char* good : {"a.b", "a.*", "a.b.*"}) EXPECT_TRUE(is_bus_pattern(good)) << good;
  for (const char* bad : {"*", ".*", "a*", "a.*.b", "a.b*"}) EXPECT_FALSE(is_bus_pattern(bad)) << bad;
}

TEST(Words, BusRulesAreNameMethodAndPath) {
  for (const char* good : {"a.b=", "a.b=*", "a.b=c.d.Get*@/*", "a.*=c.d.*", "a.b=@/x/y", "a.b=*@/*", "a.b=c.d.E@/"})
    EXPECT_TRUE(is_bus_rule(good)) << good;
  for (const char* bad : {"a.b", "=x", "a.b=x y", "a.b=c.*.d", "a.b=c@x", "a.b=c@", "a.b=c@/*/x", "a=c"})
    EXPECT_FALSE(is_bus_rule(bad)) << bad;
}

TEST(Words, ABusRuleIsOneForTheParserExactlyWhenItIsOneForTheMediator) {
  for (const char* name : {"a.b", "a.*", "a-b.*", "a.b.*", "a", "*", "a.*.b", "a.1b", "1.a", "a..b", ""})
    for (const char* rule :
         {"",   "*",   "c.d", "c.*",   "c.d.*", "c.d.E", "c.d.E*", "c-x.d.E", "c",    "c.d.1", "**",       "c.d.*E",
          "@/", "@/*", "@/x", "@/x/*", "@",     "@x",    "@/x/",   "@//",     "@/x*", "@/*/x", "c.d.E@/x", "@/\xc3"}) {
      const std::string text = std::string(name) + "=" + rule;
      model::DbusRules rules;
      rules.call = {text};
      EXPECT_EQ(is_bus_rule(text), mediate::dbus::RuleSet::parse(rules).has_value()) << text;
      rules.call.clear();
      rules.talk = {name};
      EXPECT_EQ(is_bus_pattern(name), mediate::dbus::RuleSet::parse(rules).has_value()) << name;
    }
}

TEST(Words, PatternsOfProvidersMayNameTheHost) {
  for (const char* good : {"*", "a?b", "@host", "@*", "-x"}) EXPECT_TRUE(is_pattern(good)) << good;
  for (const char* bad : {"", "a/b", "a@b", "[a]", "a b"}) EXPECT_FALSE(is_pattern(bad)) << bad;
}

TEST(Words, VariablesThatSteerLoadingAreRefused) {
  for (const char* good : {"WAYLAND_DISPLAY", "_x", "A1"}) EXPECT_TRUE(is_variable(good)) << good;
  for (const char* bad : {"", "1A", "A-B", "A=B", "LD_PRELOAD", "LD_X", "PATH", "GCONV_PATH", "GLIBC_TUNABLES"})
    EXPECT_FALSE(is_variable(bad)) << bad;
}

TEST(Words, MethodsAndPaths) {
  for (const char* good : {"GET", "*", "M-SEARCH"}) EXPECT_TRUE(is_method(good)) << good;
  for (const char* bad : {"", "get", "GET ", "**", "1"}) EXPECT_FALSE(is_method(bad)) << bad;
  for (const char* good : {"/", "/**", "/a/*/b"}) EXPECT_TRUE(is_path_pattern(good)) << good;
  for (const char* bad : {"", "a", "/a b", "/a?x", "/a#x", "/\x7f", "/\xc3\xbc"})
    EXPECT_FALSE(is_path_pattern(bad)) << bad;
}

TEST(Words, PlainTextHasNoControlCharacterOfAnyLength) {
  for (const char* good : {"a", " ", "/run/gr\xc3\xbc\xc3\x9f", "\xc2\xa0"}) EXPECT_TRUE(is_plain(good)) << good;
  for (const char* bad : {"", "a\nb", "\x1b", "\x7f", "\xc2\x85", "\xc2\x9b", "\xff", "a\xc2"})
    EXPECT_FALSE(is_plain(bad)) << bad;
}

/// `change` applied to something the parser could have made.
template <class T>
std::string refusal(T value, const std::function<void(T&)>& change) {
  EXPECT_EQ(error_of(validate(value)), "");
  change(value);
  return error_of(validate(value));
}

TEST(Validate, RefusesWhatNoParserMakes) {
  model::Manifest manifest;
  manifest.requirements.emplace_back().name = "a";
  manifest.requirements[0].where = "run.json: /services/required/0";
  const auto requirement = [&](const std::function<void(model::Requirement&)>& change) {
    return refusal<model::Manifest>(manifest, [&](auto& m) { change(m.requirements[0]); });
  };
  const std::string head = "the reading process sent back ";
  const std::string tail = " that no document can have";
  EXPECT_EQ(requirement([](auto& r) { r.name = "../x"; }), head + "a service" + tail);
  EXPECT_EQ(requirement([](auto& r) { r.role = ""; }), head + "a role" + tail);
  EXPECT_EQ(requirement([](auto& r) { r.role = "a\nb"; }), head + "a role" + tail);
  EXPECT_EQ(requirement([](auto& r) { r.provider = "@x"; }), head + "a provider" + tail);
  EXPECT_EQ(requirement([](auto& r) { r.targets = {std::string("/a\0b", 4)}; }), head + "a target" + tail);
  EXPECT_EQ(requirement([](auto& r) { r.targets = {std::string(4096, 'a')}; }), head + "a target" + tail);
  EXPECT_EQ(requirement([](auto& r) { r.env["LD_PRELOAD"] = "/x"; }), head + "a variable" + tail);
  EXPECT_EQ(requirement([](auto& r) { r.where = "\x1b"; }), head + "a place" + tail);
  EXPECT_EQ(refusal<model::Manifest>(manifest, [](auto& m) { m.requirements.resize(65, m.requirements[0]); }),
            head + "requirements" + tail);
  EXPECT_EQ(refusal<model::Manifest>(manifest, [](auto& m) { m.warnings = {"a\nb"}; }), head + "a warning" + tail);

  model::OciState state{"a", "created", "/b", 1, {}};
  EXPECT_EQ(refusal<model::OciState>(state, [](auto& s) { s.id = "a\nb"; }), head + "an id" + tail);
  EXPECT_EQ(refusal<model::OciState>(state, [](auto& s) { s.pid = -1; }), head + "a pid" + tail);
  EXPECT_EQ(refusal<model::OciState>(state, [](auto& s) { s.bundle = "b"; }), head + "a bundle" + tail);
  EXPECT_EQ(refusal<model::OciState>(state, [](auto& s) { s.annotations["x"] = "y"; }), head + "an annotation" + tail);

  model::Exports exports;
  exports.offers.emplace_back();
  exports.offers[0].name = "a";
  exports.offers[0].socket = "/s";
  const auto offer = [&](const std::function<void(model::Offer&)>& change) {
    return refusal<model::Exports>(exports, [&](auto& e) { change(e.offers[0]); });
  };
  EXPECT_EQ(offer([](auto& o) { o.socket = ""; }), head + "a service without socket" + tail);
  EXPECT_EQ(offer([](auto& o) { o.owns = "nodot"; }), head + "a bus name" + tail);
  EXPECT_EQ(offer([](auto& o) { o.allow = {{"a b"}}; }), head + "a role" + tail);
  EXPECT_EQ(offer([](auto& o) { o.roles.emplace()["v"].raw_unix = model::UnixRules{254}; }),
            head + "a descriptor limit" + tail);
  EXPECT_EQ(offer([](auto& o) { o.roles.emplace()["v"].rest = model::RestRules{true, false, {{{"GET"}, {"/"}}}}; }),
            head + "rules" + tail);

  model::Policy policy{.present = true, .allow = {}, .offer = {}};
  EXPECT_EQ(refusal<model::Policy>(policy, [](auto& p) { p.present = false; }), head + "a policy" + tail);
  EXPECT_EQ(refusal<model::Policy>(policy, [](auto& p) { p.allow.push_back({"@host", "s", "*", {}}); }),
            head + "a consumer" + tail);
  EXPECT_EQ(refusal<model::Policy>(policy, [](auto& p) { p.offer.push_back({"p", "a/b"}); }),
            head + "a service" + tail);

  model::OciConfig config{.root_path = "rootfs", .root_readonly = false, .env = {}, .annotations = {}};
  EXPECT_EQ(refusal<model::OciConfig>(config, [](auto& c) { c.root_path = ""; }), head + "a root" + tail);
  EXPECT_EQ(refusal<model::OciConfig>(config, [](auto& c) { c.env = {"A"}; }), head + "a variable" + tail);
}

}  // namespace
}  // namespace xc::parse
