// Plans with a vchan: where its socket is, and who may have it.
#include <gtest/gtest.h>

#include "plan/planner.h"

namespace xc::plan {
namespace {

model::Requirement wants_vchan(std::uint32_t domain) {
  model::Requirement wanted;
  wanted.name = "gui";
  wanted.where = "run.json: /services/required/0";
  wanted.vchan.emplace();
  wanted.vchan->domain = domain;
  return wanted;
}

model::Offered offers_vchan(std::uint32_t domain, std::uint32_t port) {
  model::Offered offered{"dom0", model::Origin::host, {}};
  offered.offer.name = "gui";
  offered.offer.type = model::Type::vchan;
  offered.offer.socket = "/var/run/vchan";
  offered.offer.domain = domain;
  offered.offer.port = port;
  return offered;
}

/// One wish and who offers.
struct Setting {
  model::Requirement wanted;
  std::vector<model::Offered> offered{};
  std::vector<std::string> env{};

  [[nodiscard]] Result<model::Plan> plan() const {
    model::Container container;
    container.name = "dialer-ui";
    container.env = env;
    model::Manifest manifest;
    manifest.requirements = {wanted};
    model::HostFacts facts;
    facts.offered = offered;
    return make_plan(container, manifest, {}, model::Origin::host, {}, facts);
  }
  [[nodiscard]] std::string refusal() const {
    const auto made = plan();
    if (made) return "planned";
    EXPECT_EQ(made.error().kind, Kind::policy);
    return made.error().text;
  }
};

TEST(PlannerOfVchans, AVchanIsPlantedWhereItsLibraryLooks) {
  Setting setting{wants_vchan(7), {offers_vchan(5, 6000)}};
  EXPECT_EQ(setting.plan()->links.front().target, "/var/run/vchan/vchan.5.7.6000.sock");
  EXPECT_EQ(setting.plan()->links.front().limits.connections, 1U);
  setting.env = {"VCHAN_SOCKET_DIR=/run/xen"};
  EXPECT_EQ(setting.plan()->links.front().target, "/run/xen/vchan.5.7.6000.sock");
}

TEST(PlannerOfVchans, AVchanThatNobodyHasDeclaredIsNamedByTheConsumer) {
  auto wanted = wants_vchan(7);
  wanted.type = "vchan";
  wanted.vchan->server = 1;
  wanted.vchan->port = 2;
  const Setting alone{wanted};
  EXPECT_EQ(alone.plan()->links.front().target, "/var/run/vchan/vchan.1.7.2.sock");
  const Setting other{wanted, {offers_vchan(5, 6000)}};
  EXPECT_EQ(other.refusal(),
            "run.json: /services/required/0: service \"gui\": \"dom0\" offers \"gui\" as port 6000 of domain 5, but "
            "the link was planned for port 2 of domain 1");
}

TEST(PlannerOfVchans, ADomainOrPortThatIsNotListedIsRefused) {
  model::VchanRules rules;
  rules.domains = {7, 9};
  rules.ports = {6000};
  for (const auto& [domain, port, good] :
       {std::tuple{7U, 6000U, true}, {9U, 6000U, true}, {8U, 6000U, false}, {7U, 6001U, false}}) {
    auto offered = offers_vchan(5, port);
    offered.offer.roles.emplace()["any"].vchan = rules;
    const Setting setting{wants_vchan(domain), {offered}};
    const std::string refusal = setting.refusal();
    if (good)
      EXPECT_EQ(refusal, "planned") << domain << " " << port;
    else
      EXPECT_TRUE(refusal.ends_with("domain " + std::to_string(domain) + " may not talk to port " +
                                    std::to_string(port) + " of domain 5 in the role \"any\""))
          << refusal;
  }
}

}  // namespace
}  // namespace xc::plan
