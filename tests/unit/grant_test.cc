#include <gtest/gtest.h>

#include "grant/effective.h"

namespace xc::grant {
namespace {

model::Requirement wants(std::string service, std::string role = "viewer", std::string provider = "") {
  model::Requirement wanted;
  wanted.name = std::move(service);
  wanted.role = std::move(role);
  wanted.provider = std::move(provider);
  return wanted;
}

model::RoleRules rest(std::string path) {
  model::RoleRules rules;
  rules.rest = model::RestRules{false, false, {{{"GET"}, {std::move(path)}}}};
  return rules;
}

model::Link link(std::vector<model::ProviderGrant> grants = {{}}) {
  model::Link planned;
  planned.service = "api";
  planned.role = "viewer";
  planned.type = model::Type::rest;
  planned.grants = std::move(grants);
  return planned;
}

model::Offered offered(std::string provider, model::Origin origin = model::Origin::host) {
  model::Offered one{std::move(provider), origin, {}};
  one.offer.name = "api";
  one.offer.type = model::Type::rest;
  one.offer.socket = "/run/api.sock";
  return one;
}

template <class T>
std::string refusal(const Result<T>& result) {
  if (result) return "granted";
  EXPECT_EQ(result.error().kind, Kind::policy);
  return result.error().text;
}

const model::Policy policy{true,
                           {{"dialer-*", "api", "*", {{"viewer", rest("/v1/**")}}},
                            {"dialer-ui", "api", "modem", {{"view*", rest("/v2/**")}, {"admin", {}}}},
                            {"*", "log", "@host", {{"*", {}}}}},
                           {{"modem*", "api"}}};

TEST(HostPolicy, WithoutAFileEverythingIsGrantedUnrestricted) {
  const auto grants = decide_by_policy("dialer-ui", wants("api"), {});
  ASSERT_TRUE(grants);
  ASSERT_EQ(grants->size(), 1U);
  EXPECT_EQ(grants->front().provider, "*");
  EXPECT_FALSE(grants->front().rules.rest);
}

TEST(HostPolicy, AFileWithoutEntriesRefusesEverything) {
  EXPECT_EQ(refusal(decide_by_policy("dialer-ui", wants("api"), {true, {}, {}})),
            "no policy entry allows \"dialer-ui\" to use \"api\" in the role \"viewer\"");
}

TEST(HostPolicy, EveryMatchingEntryIsAnAlternativeForItsProvider) {
  const auto grants = decide_by_policy("dialer-ui", wants("api"), policy);
  ASSERT_TRUE(grants);
  ASSERT_EQ(grants->size(), 2U);
  EXPECT_EQ((*grants)[0].provider, "*");
  EXPECT_EQ((*grants)[0].rules.rest->rules.front().paths.front(), "/v1/**");
  EXPECT_EQ((*grants)[1].provider, "modem");
  EXPECT_EQ((*grants)[1].rules.rest->rules.front().paths.front(), "/v2/**");
}

TEST(HostPolicy, ConsumerServiceRoleAndProviderMustAllMatch) {
  const auto decide = [](std::string_view consumer, const model::Requirement& wanted) {
    return refusal(decide_by_policy(consumer, wanted, policy));
  };
  EXPECT_EQ(decide("dialer-ui", wants("api", "admin")), "granted");
  EXPECT_EQ(decide("dialer-x", wants("api", "admin")),
            "no policy entry allows \"dialer-x\" to use \"api\" in the role \"admin\"");
  EXPECT_EQ(decide("my-dialer-ui", wants("api")),
            "no policy entry allows \"my-dialer-ui\" to use \"api\" in the role \"viewer\"");
  EXPECT_EQ(decide("dialer-ui", wants("apis")),
            "no policy entry allows \"dialer-ui\" to use \"apis\" in the role \"viewer\"");
  EXPECT_EQ(decide("dialer-ui", wants("api", "admin", "evil")),
            "no policy entry allows \"dialer-ui\" to use \"api\" of \"evil\" in the role \"admin\"");
  EXPECT_EQ(decide("anybody", wants("log", "any", "@host")), "granted");
}

TEST(Choice, AHostServiceGoesBeforeAHostManifestBeforeAnImage) {
  const auto choice = [](const std::vector<model::Offered>& all) {
    const auto chosen = choose(link(), all);
    return chosen && *chosen != nullptr ? std::string(provider_name(**chosen)) : "nobody";
  };
  const auto image = offered("image", model::Origin::listed_image);
  const auto bundle = offered("bundle");
  const auto host = offered("");
  EXPECT_EQ(choice({}), "nobody");
  EXPECT_EQ(choice({image}), "image");
  EXPECT_EQ(choice({image, bundle}), "bundle");
  EXPECT_EQ(choice({bundle, image}), "bundle");
  EXPECT_EQ(choice({image, host, bundle}), "@host");
}

TEST(Choice, AnImageThatNobodyListedAnswersOnlyByName) {
  const std::vector<model::Offered> all{offered("evil", model::Origin::image)};
  EXPECT_EQ(*choose(link(), all), nullptr);
  auto named = link();
  named.provider = "evil";
  EXPECT_EQ((*choose(named, all))->provider, "evil");
  EXPECT_EQ((*choose(link(), {offered("good", model::Origin::listed_image)}))->provider, "good");
}

TEST(Choice, TwoOfTheBestRankAreRefusedWhateverTheirOrder) {
  EXPECT_EQ(refusal(choose(link(), {offered("a"), offered("b")})),
            "both \"a\" and \"b\" offer \"api\": name the one that is meant as \"provider\"");
  EXPECT_EQ(refusal(choose(link(), {offered("b"), offered("i", model::Origin::image), offered("a")})),
            "both \"b\" and \"a\" offer \"api\": name the one that is meant as \"provider\"");
  EXPECT_EQ(refusal(choose(link(), {offered(""), offered("")})), "the host offers \"api\" twice");
}

TEST(Choice, TwoImagesDoNotDisturbABetterProvider) {
  const auto image = offered("i", model::Origin::image);
  const auto other = offered("j", model::Origin::image);
  const auto modem = offered("modem");
  for (const auto& all :
       std::vector<std::vector<model::Offered>>{{image, modem, other}, {image, other, modem}, {modem, image, other}}) {
    const auto chosen = choose(link(), all);
    ASSERT_TRUE(chosen);
    EXPECT_EQ((*chosen)->provider, "modem");
  }
}

TEST(Choice, ANamedProviderSettlesIt) {
  auto planned = link();
  planned.provider = "b";
  const std::vector<model::Offered> all{offered("a"), offered("b"), offered("")};
  EXPECT_EQ((*choose(planned, all))->provider, "b");
  planned.provider = "@host";
  EXPECT_EQ((*choose(planned, all))->provider, "");
  planned.provider = "c";
  EXPECT_EQ(*choose(planned, all), nullptr);
}

TEST(Choice, ALateProviderThatPolicyDoesNotNameIsNobody) {
  const std::vector<model::Offered> late{offered("evil", model::Origin::image)};
  EXPECT_EQ(*choose(link({{"modem", {}}}), late), nullptr);
  EXPECT_EQ(refusal(narrow(link({{"modem", {}}}), late.front())),
            "no policy entry allows \"api\" of \"evil\" in the role \"viewer\"");
}

TEST(Narrow, PolicyAndProviderAreALayerEach) {
  auto provider = offered("modem");
  provider.offer.roles = {{"viewer", rest("/provider")}};
  const auto effective = narrow(link({{"*", rest("/one")}, {"modem", rest("/two")}, {"other", rest("/no")}}), provider);
  ASSERT_TRUE(effective);
  const auto& layers = effective->rights.layers;
  ASSERT_EQ(layers.size(), 2U);
  ASSERT_EQ(layers[0].any.size(), 2U);
  EXPECT_EQ(layers[0].any[0].rest->rules.front().paths.front(), "/one");
  EXPECT_EQ(layers[0].any[1].rest->rules.front().paths.front(), "/two");
  ASSERT_EQ(layers[1].any.size(), 1U);
  EXPECT_EQ(layers[1].any[0].rest->rules.front().paths.front(), "/provider");
}

TEST(Narrow, TheProvidersAllowAndRolesNameWhoMayCome) {
  auto provider = offered("modem");
  provider.offer.allow = {"admin", "root"};
  EXPECT_EQ(refusal(narrow(link(), provider)),
            "\"modem\" does not grant \"api\" to the role \"viewer\"; its \"allow\" names admin, root");
  provider.offer.allow = std::vector<std::string>{};
  EXPECT_EQ(refusal(narrow(link(), provider)),
            "\"modem\" does not grant \"api\" to the role \"viewer\"; its \"allow\" names none");
  provider.offer.allow = {"viewer"};
  EXPECT_EQ(refusal(narrow(link(), provider)), "granted");
  provider.offer.roles = {{"admin", {}}, {"root", {}}};
  EXPECT_EQ(refusal(narrow(link(), provider)),
            "\"modem\" has no role \"viewer\" for \"api\"; its \"roles\" are admin, root");
}

TEST(Narrow, RulesForAnotherProtocolAreNoRightsOnThisOne) {
  auto provider = offered("modem");
  provider.offer.type = model::Type::raw_unix;
  auto planned = link({{"*", rest("/v1/**")}});
  planned.type_assumed = true;
  EXPECT_EQ(refusal(narrow(planned, provider)),
            "host policy has rules for the role \"viewer\" of \"api\", but none for its type \"unix\"");
  planned.grants.front().rules.raw_unix.emplace();
  EXPECT_EQ(refusal(narrow(planned, provider)), "granted");
  provider.offer.roles = {{"viewer", rest("/")}};
  EXPECT_EQ(refusal(narrow(planned, provider)),
            "\"modem\" has rules for the role \"viewer\" of \"api\", but none for its type \"unix\"");
}

TEST(Narrow, AnOfferOfAnotherKindIsNotWhatWasPlanned) {
  auto provider = offered("");
  provider.offer.type = model::Type::raw_unix;
  EXPECT_EQ(refusal(narrow(link(), provider)), "the host offers \"api\" as unix, but the link was planned as rest");
  provider = offered("");
  provider.offer.socket_kind = model::SocketKind::datagram;
  EXPECT_EQ(refusal(narrow(link(), provider)),
            "the host offers \"api\" on a dgram socket, but the link was planned for stream");
}

TEST(Narrow, AnAssumedTypeYieldsToTheOffer) {
  auto planned = link();
  planned.type = model::Type::raw_unix;
  planned.type_assumed = true;
  const auto effective = narrow(planned, offered("modem"));
  ASSERT_TRUE(effective);
  EXPECT_EQ(effective->type, model::Type::rest);
}

TEST(Narrow, AnAssumedTypeYieldsToNothingThatAPortCannotCarry) {
  auto planned = link();
  planned.type = model::Type::raw_unix;
  planned.type_assumed = true;
  planned.target = "tcp:127.0.0.1:80";
  auto provider = offered("modem");
  EXPECT_EQ(refusal(narrow(planned, provider)), "granted");
  provider.offer.type = model::Type::wayland;
  EXPECT_EQ(refusal(narrow(planned, provider)),
            "\"modem\" offers \"api\" as wayland, but the link is at a port, which carries bytes alone");
}

model::RoleRules bus_rules(model::DbusRules dbus) {
  model::RoleRules rules;
  rules.dbus = std::move(dbus);
  return rules;
}

model::Offered bus(std::string provider, std::optional<model::RoleRules> viewer = {}) {
  model::Offered one = offered(std::move(provider));
  one.offer.type = model::Type::dbus;
  if (viewer) one.offer.roles = {{"viewer", *viewer}};
  return one;
}

model::Link bus_link() {
  model::Link planned = link();
  planned.type = model::Type::dbus;
  planned.asks.emplace().interface = {"org.acme.A"};
  return planned;
}

TEST(Narrow, WhatTheConsumerAsksOfABusIsTheThirdLayer) {
  const auto rights = narrow(bus_link(), bus("x", bus_rules({.talk = {"org.acme.*"}})))->rights;
  ASSERT_EQ(rights.layers.size(), 3U);
  EXPECT_EQ(rights.layers[2].any.front().dbus->interface, std::vector<std::string>{"org.acme.A"});
}

TEST(Narrow, PropertiesMayBeSetOnlyWhereAnotherLayerSpeaksOfBuses) {
  const auto writes = [](const Result<Effective>& effective) {
    return effective->rights.layers.back().any.front().dbus->write;
  };
  EXPECT_FALSE(writes(narrow(bus_link(), bus("x"))));
  EXPECT_TRUE(writes(narrow(bus_link(), bus("x", bus_rules({.interface = {"org.acme.A"}})))));
}

TEST(Narrow, OnlyAHostsBusGetsTheRolesUser) {
  model::RoleRules role = bus_rules({.all = true});
  role.uid = 90001;
  EXPECT_EQ(narrow(bus_link(), bus("", role))->uid, 90001U);
  EXPECT_EQ(narrow(bus_link(), bus("container", role))->uid, std::nullopt);
  EXPECT_EQ(narrow(bus_link(), bus("", bus_rules({.all = true})))->uid, std::nullopt);
}

TEST(Narrow, ANameOnABusIsNoSocket) {
  model::Offered name = bus("modem");
  name.offer.socket.clear();
  name.offer.owns = "io.acme.Modem";
  name.offer.bus = "system-bus";
  EXPECT_EQ(
      refusal(narrow(bus_link(), name)),
      "\"modem\" owns \"io.acme.Modem\" on the bus \"system-bus\" and has no socket for it: ask for the bus, with "
      "\"interface\": \"io.acme.Modem\"");
}

TEST(Offering, AnImageNeedsAnEntryOnceThereIsPolicy) {
  const auto offer = offered("").offer;
  EXPECT_TRUE(may_offer("evil", model::Origin::image, offer, {}));
  EXPECT_TRUE(may_offer("modem-2", model::Origin::image, offer, policy));
  EXPECT_TRUE(may_offer("evil", model::Origin::host, offer, policy));
  EXPECT_EQ(refusal(may_offer("evil", model::Origin::image, offer, policy)),
            "no policy entry lets the image of \"evil\" offer \"api\"");
}

TEST(Sentences, HoldNoByteThatIsNotPrintable) {
  EXPECT_EQ(refusal(decide_by_policy("a\x1b[2J", wants("b\n"), {true, {}, {}})),
            "no policy entry allows \"a\\x1b[2J\" to use \"b\\x0a\" in the role \"viewer\"");
}

}  // namespace
}  // namespace xc::grant
