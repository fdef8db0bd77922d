#include "plan/planner.h"

#include <gtest/gtest.h>

namespace xc::plan {
namespace {

using model::StepKind;
using model::Type;

model::Requirement wants(std::string name, std::string target = "", bool required = true) {
  model::Requirement wanted;
  wanted.name = std::move(name);
  wanted.required = required;
  wanted.where = required ? "run.json: /services/required/0" : "run.json: /services/optional/0";
  if (!target.empty()) wanted.targets.push_back(std::move(target));
  return wanted;
}

model::Offered offers(std::string provider, std::string name, Type type = Type::rest) {
  model::Offered offered{std::move(provider), model::Origin::host, {}};
  offered.offer.name = std::move(name);
  offered.offer.type = type;
  offered.offer.socket = "/run/api.sock";
  return offered;
}

/// Facts of one plan; a test changes what it is about.
struct Setting {
  model::Container container;
  model::Manifest manifest;
  model::Exports exports;
  model::Origin origin = model::Origin::host;
  model::Policy policy;
  model::HostFacts facts;

  explicit Setting(std::vector<model::Requirement> requirements = {}, std::vector<model::Offered> offered = {}) {
    container.name = "dialer-ui";
    manifest.requirements = std::move(requirements);
    facts.offered = std::move(offered);
  }
  [[nodiscard]] Result<model::Plan> plan() const {
    return make_plan(container, manifest, exports, origin, policy, facts);
  }
  [[nodiscard]] std::string refusal(Kind kind) const {
    const auto made = plan();
    if (made) return "planned";
    EXPECT_EQ(made.error().kind, kind);
    return made.error().text;
  }
  /// Notes, a line each, warnings marked with "!"; the plan must have been made with `links` links.
  [[nodiscard]] std::string notes(std::size_t links) const {
    const auto made = plan();
    if (!made) return "refused: " + made.error().text;
    EXPECT_EQ(made->links.size(), links);
    std::string all;
    for (const auto& note : made->notes) all += (note.warning ? "!" : "") + note.text + "\n";
    return all;
  }
};

std::string steps(const model::Plan& plan) {
  std::string all;
  for (const auto& step : plan.steps) {
    all += std::string(name_of(step.kind)) + " ";
    if (step.kind == StepKind::listen || step.kind == StepKind::plant) all += std::to_string(step.link) + " ";
  }
  return all;
}

TEST(Planner, ALinkIsListenedForPlantedAndServed) {
  const Setting setting({wants("api", "/run/svc/a.sock"), wants("log", "/run/svc/b.sock")},
                        {offers("modem", "api"), offers("", "log", Type::raw_unix)});
  const auto plan = setting.plan();
  ASSERT_TRUE(plan);
  EXPECT_EQ(steps(*plan), "record listen 0 plant 0 listen 1 plant 1 launch ");
  EXPECT_EQ(plan->links[0].type, Type::rest);
  EXPECT_FALSE(plan->links[0].type_assumed);
  EXPECT_EQ(plan->links[0].target, "/run/svc/a.sock");
  EXPECT_EQ(plan->links[0].role, "any");
  EXPECT_EQ(plan->links[1].type, Type::raw_unix);
}

TEST(Planner, AProviderPublishesBeforeItListens) {
  Setting setting({wants("api", "/run/a")}, {offers("modem", "api")});
  setting.exports.offers.push_back(offers("", "mine").offer);
  EXPECT_EQ(steps(*setting.plan()), "record publish listen 0 plant 0 launch ");
  setting.manifest.requirements.clear();
  EXPECT_EQ(steps(*setting.plan()), "record publish ");
}

TEST(Planner, AContainerThatWantsAndOffersNothingCostsNothing) {
  EXPECT_EQ(steps(*Setting().plan()), "");
  EXPECT_TRUE(Setting().plan()->notes.empty());
}

TEST(Planner, RefusesATargetThatClimbsOutOfTheRoot) {
  for (const bool required : {true, false})
    EXPECT_EQ(
        Setting({wants("api", "/run/../../etc/x", required)}, {offers("modem", "api")}).refusal(Kind::manifest),
        std::string("run.json: /services/") + (required ? "required" : "optional") +
            "/0: service \"api\": target \"/run/../../etc/x\" has a \"..\" component: write the path it leads to");
}

TEST(Planner, ABadTargetIsRefusedEvenBehindAGoodOneOrAnUnsupportedType) {
  auto wanted = wants("api", "/run/a", false);
  wanted.targets.emplace_back("/etc/passwd");
  const std::string expected = Setting({wanted}, {offers("modem", "api")}).refusal(Kind::manifest);
  EXPECT_TRUE(
      expected.starts_with("run.json: /services/optional/0: service \"api\": target \"/etc/passwd\" is not in"));
  EXPECT_EQ(Setting({wanted}, {offers("modem", "api", Type::vchan)}).refusal(Kind::manifest), expected);
}

TEST(Planner, RefusesAWrongNameWhereverItStands) {
  auto wanted = wants("api", "/run/a", false);
  wanted.role = "a/b";
  EXPECT_EQ(Setting({wanted}).refusal(Kind::manifest),
            "run.json: /services/optional/0: role \"a/b\" is not a name: expected 1 to 64 of A-Z a-z 0-9 _ . -, not "
            "beginning with . or -");
  Setting setting;
  setting.container.name = "a b";
  EXPECT_EQ(setting.refusal(Kind::manifest).substr(0, 30), "container \"a b\" is not a name:");
}

TEST(Planner, RefusesTargetsThatMeet) {
  const std::vector<model::Offered> offered{offers("modem", "a"), offers("modem", "b")};
  EXPECT_EQ(Setting({wants("a", "/run/a"), wants("b", "/run/a")}, offered).refusal(Kind::manifest),
            "services \"a\" and \"b\" have the same target \"/run/a\": give each a place of its own");
  EXPECT_EQ(Setting({wants("a", "/run/a"), wants("b", "/run/a/b")}, offered).refusal(Kind::manifest),
            "targets \"/run/a\" and \"/run/a/b\" of services \"a\" and \"b\" lie one below the other");
}

TEST(Planner, OneServiceMayBeUsedInTwoRolesAtTwoTargets) {
  auto viewer = wants("api", "/run/viewer");
  viewer.role = "viewer";
  auto admin = wants("api", "/run/admin");
  admin.role = "admin";
  EXPECT_EQ(Setting({viewer, admin}, {offers("modem", "api")}).plan()->links.size(), 2U);
  viewer.targets = admin.targets = {"auto"};
  EXPECT_EQ(Setting({viewer, admin}, {offers("modem", "api")}).refusal(Kind::manifest),
            "services \"api\" and \"api\" have the same target \"/run/pv/services/api.sock\": give each a place of its "
            "own");
}

TEST(Planner, PolicyRefusesARequiredServiceAndDropsAnOptionalOne) {
  Setting setting({wants("api", "/run/a")}, {offers("modem", "api")});
  setting.policy.present = true;
  const std::string sentence =
      "service \"api\": no policy entry allows \"dialer-ui\" to use \"api\" in the role \"any\"";
  EXPECT_EQ(setting.refusal(Kind::policy), "run.json: /services/required/0: " + sentence);
  setting.manifest.requirements = {wants("api", "/run/a", false)};
  EXPECT_EQ(setting.notes(0),
            "!run.json: /services/optional/0: " + sentence + "; it is optional, so the container starts without it\n");
  EXPECT_EQ(steps(*setting.plan()), "");
}

TEST(Planner, PolicyIsKeptInTheLinkForProvidersThatComeLater) {
  Setting setting({wants("api", "/run/a")});
  setting.policy = {true, {{"*", "api", "modem*", {{"any", {}}}}}, {}};
  const auto plan = setting.plan();
  ASSERT_TRUE(plan);
  ASSERT_EQ(plan->links[0].grants.size(), 1U);
  EXPECT_EQ(plan->links[0].grants[0].provider, "modem*");
}

TEST(Planner, TheProviderRefusesARoleItDoesNotGrant) {
  Setting setting({wants("api", "/run/a")}, {offers("modem", "api")});
  setting.facts.offered[0].offer.allow = {"viewer"};
  EXPECT_EQ(
      setting.refusal(Kind::policy),
      "run.json: /services/required/0: service \"api\": \"modem\" does not grant \"api\" to the role \"any\"; its "
      "\"allow\" names viewer");
}

TEST(Planner, TwoProvidersOfOneRankAreRefused) {
  EXPECT_EQ(Setting({wants("api", "/run/a")}, {offers("a", "api"), offers("b", "api")}).refusal(Kind::policy),
            "run.json: /services/required/0: service \"api\": both \"a\" and \"b\" offer \"api\": name the one that is "
            "meant as \"provider\"");
}

TEST(Planner, AProviderThatIsNotUpYetIsNoError) {
  Setting setting({wants("api", "/run/a")});
  setting.facts.declared = {{offers("modem", "api")}};
  EXPECT_EQ(
      setting.notes(1),
      "run.json: /services/required/0: service \"api\": not offered by anybody yet: calls answer 503 until it is\n");
  setting.facts.declared = {{offers("modem", "api", Type::raw_unix)}};
  EXPECT_EQ(
      setting.notes(1),
      "run.json: /services/required/0: service \"api\": not offered by anybody yet: connections are closed at once "
      "until it is\n");
}

TEST(Planner, AServiceThatNobodyDeclaresIsRefusedWhereAllManifestsAreKnown) {
  Setting setting({wants("api", "/run/a")});
  setting.facts.declared.emplace();
  const std::string sentence = "service \"api\": no manifest on this host declares a service of that name for it";
  EXPECT_EQ(setting.refusal(Kind::plant), "run.json: /services/required/0: " + sentence);
  setting.manifest.requirements[0].required = false;
  EXPECT_EQ(setting.notes(0),
            "!run.json: /services/required/0: " + sentence + "; it is optional, so the container starts without it\n");
  setting.facts.others_may_offer = true;
  EXPECT_TRUE(setting.plan()->links.at(0).type_assumed);
}

TEST(Planner, ADeclaredProviderThatWouldRefuseIsARefusalAlready) {
  Setting setting({wants("api", "/run/a")});
  setting.facts.declared = {{offers("modem", "api")}};
  setting.facts.declared->front().offer.allow.emplace();
  EXPECT_EQ(
      setting.refusal(Kind::policy),
      "run.json: /services/required/0: service \"api\": \"modem\" does not grant \"api\" to the role \"any\"; its "
      "\"allow\" names none");
  setting.facts.declared->push_back(offers("other", "api"));
  EXPECT_EQ(setting.refusal(Kind::policy), "planned");
}

TEST(Planner, AnUndeclaredServiceIsListenedForWithAnAssumedType) {
  struct Case {
    std::string type;
    std::string interface;
    Type assumed;
  };
  for (const auto& [type, interface, assumed] :
       {Case{"", "", Type::raw_unix}, Case{"rest", "", Type::rest}, Case{"", "rest", Type::raw_unix}}) {
    auto wanted = wants("api", "/run/a");
    wanted.type = type;
    wanted.interface = interface;
    const auto plan = Setting({wanted}).plan();
    ASSERT_TRUE(plan);
    EXPECT_EQ(plan->links[0].type, assumed);
    EXPECT_TRUE(plan->links[0].type_assumed);
  }
  EXPECT_EQ(
      Setting({wants("api", "/run/a")}).notes(1),
      "run.json: /services/required/0: service \"api\": not offered by anybody yet: connections are closed at once "
      "until it is\n"
      "run.json: /services/required/0: service \"api\": its type is assumed to be \"unix\" until somebody offers "
      "it\n");
}

TEST(Planner, TypesThatAreNotKnownOrSayTooLittleAreRefused) {
  const auto refused = [](const model::Requirement& wanted) {
    return Setting({wanted}).refusal(Kind::plant).substr(std::string("run.json: /services/required/0: ").size());
  };
  auto channel = wants("v", "/run/v");
  channel.type = "vchan";
  EXPECT_EQ(refused(channel), "service \"v\": a vchan needs the consumer's own \"domain\"");
  channel.vchan.emplace();
  EXPECT_EQ(refused(channel),
            "service \"v\": nobody has declared this vchan, so its \"server\" and \"port\" must be named");
  auto odd = wants("x", "/run/x");
  odd.type = "tcpish";
  EXPECT_EQ(refused(odd), "service \"x\": type \"tcpish\" is not known");
}

TEST(Planner, AnOptionalServiceThatSaysTooLittleIsAWarning) {
  EXPECT_EQ(Setting({wants("panel", "/run/wayland-0", false)}, {offers("", "panel", Type::vchan)}).notes(0),
            "!run.json: /services/optional/0: service \"panel\": a vchan needs the consumer's own \"domain\"; it "
            "is optional, so the container starts without it\n");
}

TEST(Planner, TheProvidersTypeCountsAndThePlanSaysSo) {
  auto wanted = wants("api", "/run/a");
  wanted.type = "unix";
  EXPECT_EQ(Setting({wanted}, {offers("modem", "api")}).notes(1),
            "run.json: /services/required/0: service \"api\": asked for as \"unix\", but the provider's type counts: "
            "\"rest\"\n"
            "run.json: /services/required/0: service \"api\": offered now by \"modem\" at \"/run/api.sock\"\n");
}

TEST(Planner, AProviderThatMayNotBeUsedIsNotTheProvider) {
  Setting setting({wants("api", "/run/a")}, {offers("evil", "api")});
  setting.manifest.requirements[0].provider = "modem";
  EXPECT_EQ(
      setting.notes(1),
      "run.json: /services/required/0: service \"api\": offered now by \"evil\", which this link may not use: only "
      "the provider that is asked for and allowed counts\n"
      "run.json: /services/required/0: service \"api\": not offered by anybody yet: connections are closed at once "
      "until it is\n"
      "run.json: /services/required/0: service \"api\": its type is assumed to be \"unix\" until somebody offers "
      "it\n");
}

TEST(Planner, EveryTargetThatCanBePlantedIsACandidate) {
  auto wanted = wants("api", "@api");
  wanted.targets = {"connect:/run/api", "@api", "/tmp/a", "auto", "/tmp/a"};
  const Setting setting({wanted}, {offers("modem", "api")});
  const auto link = setting.plan()->links[0];
  EXPECT_EQ(link.target, "@api");
  EXPECT_EQ(link.places, (std::vector<std::string>{"@api", "/tmp/a", "/run/pv/services/api.sock", "/run/api.sock",
                                                   "/tmp/api.sock", "/dev/shm/api.sock"}));
  ASSERT_EQ(link.passed_over.size(), 1U);
  EXPECT_EQ(link.passed_over[0].place, "connect:/run/api");
  EXPECT_EQ(link.passed_over[0].reason,
            "target \"connect:/run/api\": config.json lets nobody be asked about connect(2): add what `xc-inject hooks "
            "print ENGINE --connect NAME` says, or let podman call xc-precreate");
}

TEST(Planner, AVariableOfTheImageOpensNoPlace) {
  Setting setting({wants("api")}, {offers("modem", "api")});
  setting.container.env = {"HOME=/etc"};
  const auto link = setting.plan()->links[0];
  EXPECT_EQ(link.places.back(), "@api");
  ASSERT_EQ(link.passed_over.size(), 1U);
  EXPECT_EQ(link.passed_over[0].place, "/etc/.local/run/api.sock");
}

TEST(Planner, AnAbstractEndpointIsRefusedOnTheHostsNetwork) {
  Setting setting({wants("vgpu", "/run/vgpu")}, {offers("", "vgpu", Type::raw_unix)});
  setting.facts.offered[0].offer.socket = "@vgpu-mediator";
  EXPECT_EQ(setting.plan()->links.size(), 1U);
  setting.facts.shared_netns = true;
  const std::string sentence =
      "\" would be visible to every process of the host; use a path, or \"shared-netns\": true";
  EXPECT_EQ(setting.refusal(Kind::plant),
            "run.json: /services/required/0: service \"vgpu\": abstract endpoint with host network: \"@vgpu-mediator" +
                sentence);
  setting.facts.offered.clear();
  setting.manifest.requirements[0].targets = {"@vgpu"};
  EXPECT_EQ(
      setting.refusal(Kind::plant),
      "run.json: /services/required/0: service \"vgpu\": abstract endpoint with host network: \"@vgpu" + sentence);
}

TEST(Planner, AFaultInAProvidersManifestIsNotAnOptionalConsumersEnd) {
  Setting setting({wants("api", "/run/a", false)}, {offers("modem", "api")});
  setting.facts.offered[0].offer.socket = "relative";
  EXPECT_EQ(setting.notes(0),
            "!run.json: /services/optional/0: service \"api\": offered service \"api\": socket \"relative\" is not "
            "absolute: it must begin with \"/\"; it is optional, so the container starts without it\n");
}

TEST(Planner, ATargetNoClientCanNameIsPlantedWithAWarning) {
  const std::string target = "/run/" + std::string(103, 'x');
  const std::string at = "run.json: /services/required/0: service \"api\": ";
  const std::string offered = at + "offered now by \"modem\" at \"/run/api.sock\"\n";
  EXPECT_EQ(Setting({wants("api", target)}, {offers("modem", "api")}).notes(1),
            offered + "!" + at + "target \"" + target +
                "\" is longer than 107 bytes: clients can reach it by a relative path only\n");
  EXPECT_EQ(Setting({wants("api", target.substr(0, 107))}, {offers("modem", "api")}).notes(1), offered);
}

TEST(Planner, HomeOfTheContainerOpensItsRunDirectory) {
  Setting setting({wants("api", "/opt/app/.local/run/a")}, {offers("modem", "api")});
  setting.container.env = {"XHOME=/opt/app", "HOME=/opt/app"};
  EXPECT_EQ(setting.refusal(Kind::manifest), "planned");
  setting.container.env.pop_back();
  EXPECT_NE(setting.refusal(Kind::manifest), "planned");
}

TEST(Planner, AnImagesOfferNeedsPolicyOnceThereIsSome) {
  Setting setting;
  setting.exports.offers.push_back(offers("", "api").offer);
  setting.origin = model::Origin::image;
  EXPECT_EQ(setting.plan()->offers.size(), 1U);
  EXPECT_EQ(setting.plan()->offers_origin, model::Origin::image);
  setting.policy.present = true;
  EXPECT_EQ(setting.plan()->offers.size(), 0U);
  EXPECT_EQ(setting.notes(0), "!no policy entry lets the image of \"dialer-ui\" offer \"api\"; it is not published\n");
}

TEST(Planner, AnOfferNobodyCanUseYetIsPublishedWithAWarning) {
  Setting setting;
  setting.exports.offers.push_back(offers("", "panel", Type::raw_unix).offer);
  setting.exports.offers.back().socket_kind = model::SocketKind::datagram;
  EXPECT_TRUE(setting.notes(0).starts_with("!offered service \"panel\": a \"dgram\" service must be offered with "));
  EXPECT_EQ(steps(*setting.plan()), "record publish ");
}

TEST(Planner, AWrongOfferIsRefused) {
  Setting setting;
  setting.exports.offers.push_back(offers("", "api").offer);
  setting.exports.offers.push_back(offers("", "api").offer);
  EXPECT_EQ(setting.refusal(Kind::manifest), "services.json: service \"api\" is offered twice");
}

TEST(Planner, WarningsOfTheDocumentsComeFirst) {
  Setting setting({wants("api", "/run/a")}, {offers("modem", "api")});
  setting.manifest.warnings = {"run.json: two"};
  setting.exports.warnings = {"services.json: one"};
  EXPECT_TRUE(setting.notes(1).starts_with("!services.json: one\n!run.json: two\nrun.json: /services/required/0: "));
}

TEST(Planner, PlannedFromFilesAloneSaysSo) {
  Setting setting({wants("api", "/run/a")});
  setting.facts.known_container = false;
  EXPECT_EQ(setting.notes(1), "planned from files alone: nobody was asked who offers what\n");
}

TEST(Planner, RefusesMoreThanSixtyFourLinks) {
  Setting setting;
  for (int i = 0; i < 64; ++i) setting.manifest.requirements.push_back(wants("api", "/run/" + std::to_string(i)));
  EXPECT_EQ(setting.plan()->links.size(), 64U);
  setting.manifest.requirements.push_back(wants("api", "/run/x"));
  EXPECT_EQ(setting.refusal(Kind::manifest), "65 services are asked for, 64 are the limit");
}

}  // namespace
}  // namespace xc::plan
