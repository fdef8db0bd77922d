#include "mediate/dbus_policy.h"

#include <gtest/gtest.h>

#include "mediate/dbus_match.h"

namespace xc::mediate::dbus {
namespace {

Policy policy(const model::DbusRules& rules) {
  auto parsed = Policy::parse({{rules}});
  EXPECT_TRUE(parsed) << parsed.error().text;
  return std::move(*parsed);
}

constexpr std::string_view properties = "org.freedesktop.DBus.Properties";

TEST(DbusPolicy, ANameWithAStarIsTheNameAndAllBelowItAndNoMerePrefix) {
  const Policy p = policy({.talk = {"org.pv.Mine.*"}});
  EXPECT_EQ(p.level("org.pv.Mine"), Level::talk);
  EXPECT_EQ(p.level("org.pv.Mine.A.B"), Level::talk);
  EXPECT_EQ(p.level("org.pv.Miner"), Level::none);
  EXPECT_EQ(p.level("org.pv"), Level::none);
}

TEST(DbusPolicy, TheHighestLevelOfAllRulesCounts) {
  const Policy p = policy({.see = {"org.a.*"}, .talk = {"org.a.B"}, .own = {"org.a.C"}, .call = {"org.a.D=*"}});
  EXPECT_EQ(p.level("org.a.X"), Level::see);
  EXPECT_EQ(p.level("org.a.B"), Level::talk);
  EXPECT_EQ(p.level("org.a.C"), Level::own);
  EXPECT_EQ(p.level("org.a.D"), Level::talk);
}

TEST(DbusPolicy, ACallRuleIsMethodAndPath) {
  const Policy p = policy({.call = {"org.a.B=org.i.One.Get@/one", "org.a.B=org.i.Two.*@/two/*", "org.a.B=@/any",
                                    "org.a.B=org.i.Three.Get*", "org.a.B=org.i.Four.*@/*"},
                           .introspect = false});
  const struct {
    Subject call;
    bool allowed;
  } table[] = {
      {{"org.i.One", "Get", "/one", {}}, true},
      {{"org.i.One", "Get", "/one/x", {}}, false},
      {{"org.i.One", "Set", "/one", {}}, false},
      {{"", "Get", "/one", {}}, false},
      {{"org.i.Two", "Anything", "/two", {}}, true},
      {{"org.i.Two", "Anything", "/two/x/y", {}}, true},
      {{"org.i.Two", "Get", "/twofold", {}}, false},
      {{"org.i.Two.Sub", "Get", "/two", {}}, false},
      {{"", "Whatever", "/any", {}}, true},
      {{"org.x.Y", "Whatever", "/any", {}}, true},
      {{"org.i.Three", "GetAll", "/z", {}}, true},
      {{"org.i.Three", "SetAll", "/z", {}}, false},
      {{"org.i.Four", "M", "/", {}}, true},
      {{"org.i.Four", "M", "/a/b", {}}, true},
      {{"org.freedesktop.DBus.Introspectable", "Introspect", "/z", {}}, false},
  };
  for (const auto& row : table)
    EXPECT_EQ(p.may_call("org.a.B", row.call), row.allowed) << row.call.interface << row.call.member << row.call.path;
  EXPECT_FALSE(p.may_call("org.a.C", {"org.i.One", "Get", "/one", {}}));
}

TEST(DbusPolicy, IntrospectionOfANameThatMayBeCalledIsFreeUnlessSwitchedOff) {
  const Subject introspect{"org.freedesktop.DBus.Introspectable", "Introspect", "/x", {}};
  const Subject ping{"org.freedesktop.DBus.Peer", "Ping", "/x", {}};
  EXPECT_TRUE(policy({.call = {"org.a.B=org.i.One.*"}}).may_call("org.a.B", introspect));
  EXPECT_TRUE(policy({.interface = {"org.a.B"}}).may_call("org.a.B", ping));
  EXPECT_FALSE(policy({.interface = {"org.a.B"}, .introspect = false}).may_call("org.a.B", ping));
  EXPECT_FALSE(policy({.see = {"org.a.B"}}).may_call("org.a.B", introspect));
}

TEST(DbusPolicy, AnInterfaceIsItsOwnCallsSignalsAndPropertiesOnly) {
  const Policy p = policy({.interface = {"org.a.B"}});
  const auto may = [&](std::string_view interface, std::string_view member, std::optional<std::string_view> arg0 = {}) {
    return p.may_call("org.a.B", {interface, member, "/x", arg0});
  };
  EXPECT_TRUE(may("org.a.B", "Do"));
  EXPECT_TRUE(may("org.a.B.Device", "Do"));
  EXPECT_FALSE(may("org.a.Bad", "Do"));
  EXPECT_FALSE(may("", "Do"));
  EXPECT_TRUE(may(properties, "Get", "org.a.B"));
  EXPECT_TRUE(may(properties, "GetAll", "org.a.B.Device"));
  EXPECT_FALSE(may(properties, "Get", "org.other"));
  EXPECT_FALSE(may(properties, "Get"));
  EXPECT_FALSE(may(properties, "Set", "org.a.B"));
  EXPECT_FALSE(may("org.freedesktop.DBus.ObjectManager", "GetManagedObjects"));
  EXPECT_TRUE(
      policy({.interface = {"org.a.B"}, .write = true}).may_call("org.a.B", {properties, "Set", "/x", "org.a.B"}));
  const auto hear = [&](std::string_view interface, std::string_view member,
                        std::optional<std::string_view> arg0 = {}) {
    return p.may_hear("org.a.B", {interface, member, "/x", arg0});
  };
  EXPECT_TRUE(hear("org.a.B", "Changed"));
  EXPECT_TRUE(hear(properties, "PropertiesChanged", "org.a.B"));
  EXPECT_FALSE(hear(properties, "PropertiesChanged", "org.other"));
  EXPECT_FALSE(hear("org.freedesktop.DBus.ObjectManager", "InterfacesAdded"));
}

TEST(DbusPolicy, ABroadcastRuleLetsNothingElseThrough) {
  const Policy p = policy({.call = {"org.a.B=*"}, .broadcast = {"org.a.B=org.i.One.Ok@/obj/*"}});
  EXPECT_TRUE(p.may_hear("org.a.B", {"org.i.One", "Ok", "/obj/1", {}}));
  EXPECT_FALSE(p.may_hear("org.a.B", {"org.i.One", "Other", "/obj/1", {}}));
  EXPECT_FALSE(p.may_hear("org.a.B", {"org.i.One", "Ok", "/else", {}}));
}

TEST(DbusPolicy, WhoOwnsANameBroadcastsInItsNameOnly) {
  const Policy p =
      policy({.talk = {"org.a.B"}, .own = {"org.pv.Mine.*"}, .broadcast = {"org.pv.Mine.X=org.i.Extra.*"}});
  EXPECT_TRUE(p.may_broadcast({"org.pv.Mine.Iface", "Changed", "/x", {}}));
  EXPECT_TRUE(p.may_broadcast({"org.i.Extra", "Changed", "/x", {}}));
  EXPECT_TRUE(p.may_broadcast({properties, "PropertiesChanged", "/x", "org.pv.Mine"}));
  EXPECT_FALSE(p.may_broadcast({properties, "PropertiesChanged", "/x", "org.a.B"}));
  EXPECT_FALSE(p.may_broadcast({"org.a.B", "Changed", "/x", {}}));
  EXPECT_FALSE(p.may_broadcast({"org.freedesktop.DBus", "NameOwnerChanged", "/x", {}}));
  EXPECT_FALSE(policy({.talk = {"org.a.B"}}).may_broadcast({"org.a.B", "Changed", "/x", {}}));
}

TEST(DbusPolicy, TheLongFormLooksAtEverythingThatItNames) {
  const Policy p = policy({.rules = {{.name = "org.a.B",
                                      .interface = "org.i.One",
                                      .member = "Set*",
                                      .path = "/o/*",
                                      .args = {{"0", "x"}, {"2", ""}},
                                      .fds = 1},
                                     {.name = "org.a.C.*"},
                                     {.name = "org.a.B", .type = model::BusMessage::signal, .member = "Ok"}},
                           .introspect = false});
  EXPECT_TRUE(p.looks_at_arguments());
  const Subject good{"org.i.One", "SetIt", "/o/1", "x", {{{}, "", {}}}, 1};
  EXPECT_TRUE(p.may_call("org.a.B", good));
  const auto without = [&](auto change) {
    Subject other = good;
    change(other);
    return p.may_call("org.a.B", other);
  };
  EXPECT_FALSE(without([](Subject& s) { s.interface = ""; }));
  EXPECT_FALSE(without([](Subject& s) { s.interface = "org.i.Two"; }));
  EXPECT_FALSE(without([](Subject& s) { s.member = "Get"; }));
  EXPECT_FALSE(without([](Subject& s) { s.path = "/other"; }));
  EXPECT_FALSE(without([](Subject& s) { s.arg0 = "y"; }));
  EXPECT_FALSE(without([](Subject& s) { s.arg0.reset(); }));
  EXPECT_FALSE(without([](Subject& s) { s.more[1].reset(); }));
  EXPECT_FALSE(without([](Subject& s) { s.descriptors = 2; }));
  EXPECT_TRUE(without([](Subject& s) { s.more[0] = "anything"; }));
  EXPECT_FALSE(p.may_hear("org.a.B", good));
  EXPECT_TRUE(p.may_hear("org.a.B", {"", "Ok", "/x", {}}));
  EXPECT_FALSE(p.may_call("org.a.B", {"", "Ok", "/x", {}}));
  EXPECT_TRUE(p.may_call("org.a.C.D", {"", "Any", "/x", {}}));
  EXPECT_FALSE(policy({.call = {"org.a.B=*"}}).looks_at_arguments());
}

TEST(DbusPolicy, EveryConnectionIsSeenOnlyWhenAllLayersSaySo) {
  EXPECT_FALSE(policy({.talk = {"org.a.B"}}).unique_names());
  EXPECT_TRUE(policy({.unique_names = true}).unique_names());
  EXPECT_FALSE(Policy::parse({{{.unique_names = true}}, {{.talk = {"org.a.B"}}}})->unique_names());
}

TEST(DbusPolicy, EveryLayerMustAgreeAndAnyAlternativeOfALayerSuffices) {
  auto parsed = Policy::parse({{{.talk = {"org.a.B"}, .fds = 4}, {.talk = {"org.a.C"}, .fds = 9}},
                               {{.see = {"org.a.C"}, .call = {"org.a.B=org.i.One.*"}, .fds = 7}}});
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->may_call("org.a.B", {"org.i.One", "Do", "/x", {}}));
  EXPECT_FALSE(parsed->may_call("org.a.B", {"org.i.Two", "Do", "/x", {}}));
  EXPECT_EQ(parsed->level("org.a.C"), Level::see);
  EXPECT_EQ(parsed->descriptors(), 7U);
  EXPECT_FALSE(parsed->all());
  EXPECT_TRUE(Policy::parse({})->all());
  EXPECT_FALSE(Policy::parse({{}})->may_call("org.a.B", {"org.i.One", "Do", "/x", {}}));
}

TEST(DbusPolicy, RefusesWhatIsNoRuleAndSaysWhich) {
  const struct {
    model::DbusRules rules;
    std::string_view text;
  } table[] = {
      {{.talk = {":1.4"}}, "dbus rule talk \":1.4\": expected a well-known bus name, with or without .* at its end"},
      {{.own = {"org.a*"}}, "dbus rule own \"org.a*\": expected a well-known bus name, with or without .* at its end"},
      {{.call = {"org.a.B"}}, "dbus rule call \"org.a.B\": expected NAME=[METHOD][@PATH]"},
      {{.call = {"org.a.B=One"}},
       "dbus rule call \"org.a.B=One\": expected a method as interface.Member, interface.* or *"},
      {{.broadcast = {"org.a.B=@x"}},
       "dbus rule broadcast \"org.a.B=@x\": expected an object path, with or without /* at its end"},
  };
  for (const auto& row : table) {
    const auto parsed = Policy::parse({{row.rules}});
    ASSERT_FALSE(parsed);
    EXPECT_EQ(parsed.error().text, row.text);
    EXPECT_EQ(parsed.error().kind, Kind::manifest);
  }
}

TEST(DbusMatch, IsParsedAndWrittenAgainInOneForm) {
  const struct {
    std::string_view rule;
    std::string_view text;
  } table[] = {
      {"", ""},
      {"type='signal',sender='org.a.B'", "sender='org.a.B',type='signal'"},
      {"type=signal, member='X',", "member='X',type='signal'"},
      {"arg0='it'\\''s',eavesdrop='false'", "arg0='it'\\''s'"},
      {"arg0namespace='org',arg63path='/a/'", "arg0namespace='org',arg63path='/a/'"},
      {"arg0='a,b'", "arg0='a,b'"},
      {"type ='signal',\r\n\tmember\t='X',\n", "member='X',type='signal'"},
      {"arg0namespace='a-b'", "arg0namespace='a-b'"},
      {"arg0namespace=':1'", "arg0namespace=':1'"},
  };
  for (const auto& row : table) {
    const auto rule = parse_match(row.rule);
    ASSERT_TRUE(rule) << rule.error().text;
    EXPECT_EQ(rule->text(), row.text);
    EXPECT_EQ(parse_match(rule->text())->text(), row.text);
  }
}

TEST(DbusMatch, RefusesWhatItCannotReadWhole) {
  const struct {
    std::string_view rule;
    std::string_view text;
  } table[] = {
      {"eavesdrop='true'", "match rule: eavesdropping is never allowed on a mediated bus"},
      {"type='signal',eavesdrop=true", "match rule: eavesdropping is never allowed on a mediated bus"},
      {"eavesdrop ='true'", "match rule: eavesdropping is never allowed on a mediated bus"},
      {"\teavesdrop\n='true'", "match rule: eavesdropping is never allowed on a mediated bus"},
      {"type='signal' ,member='X'", "match rule: a value its key cannot have"},
      {"mem ber='X'", "match rule: a key that is not known"},
      {" ='X'", "match rule: a key that is not known"},
      {"eavesdrop='yes'", "match rule: a value its key cannot have"},
      {"eavesdrop='false',eavesdrop='true'", "match rule: a key that appears twice"},
      {"type='signal',type='signal'", "match rule: a key that appears twice"},
      {"type='signal", "match rule: a quote that is not closed"},
      {"type", "match rule: a key without a value"},
      {"arg64='x'", "match rule: a key that is not known"},
      {"arg1namespace='org.x'", "match rule: a key that is not known"},
      {"path='/a',path_namespace='/b'", "match rule: path beside path_namespace"},
      {"sender='not a name'", "match rule: a value its key cannot have"},
      {",,", "match rule: a key without a value"},
  };
  for (const auto& row : table) {
    const auto rule = parse_match(row.rule);
    ASSERT_FALSE(rule) << row.rule;
    EXPECT_EQ(rule.error().text, row.text) << row.rule;
  }
  EXPECT_EQ(parse_match(std::string(1025, 'a')).error().text, "match rule: longer than 1024 bytes");
}

TEST(DbusMatch, SelectsOwnerChangesAsTheBusDoes) {
  const OwnerChange change{"org.pv.Late", "", ":1.9"};
  const struct {
    std::string_view rule;
    bool selected;
  } table[] = {
      {"", true},
      {"type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'", true},
      {"arg0='org.pv.Late',arg2=':1.9'", true},
      {"arg0='org.pv.Other'", false},
      {"arg0namespace='org.pv'", true},
      {"arg0namespace='org.p'", false},
      {"path_namespace='/org/freedesktop'", true},
      {"path='/other'", false},
      {"type='method_call'", false},
      {"sender='org.pv.Late'", false},
      {"arg3='x'", false},
      {"destination=':1.7'", false},
  };
  for (const auto& row : table) EXPECT_EQ(parse_match(row.rule)->selects(change), row.selected) << row.rule;
}

TEST(DbusMatch, CountsEqualRulesAsTheBusDoesAndIsBounded) {
  MatchRules rules;
  EXPECT_TRUE(rules.add(*parse_match("member='A'")));
  EXPECT_TRUE(rules.add(*parse_match("member=A")));
  EXPECT_TRUE(rules.remove("member='A'"));
  EXPECT_TRUE(rules.remove("member='A'"));
  EXPECT_FALSE(rules.remove("member='A'"));
  for (std::size_t i = 0; i < MatchRules::capacity; ++i) EXPECT_TRUE(rules.add(*parse_match("member='B'")));
  EXPECT_FALSE(rules.add(*parse_match("member='B'")));
}

}  // namespace
}  // namespace xc::mediate::dbus
