// Plans whose places depend on what the container was told already: by its filter, its variables, its annotations.
#include <gtest/gtest.h>

#include "plan/describe.h"
#include "plan/planner.h"

namespace xc::plan {
namespace {

/// One wish for a service that a modem offers.
struct Setting {
  model::Requirement wanted;
  model::Container container;
  model::HostFacts facts;

  Setting(const std::string& service, std::vector<std::string> targets) {
    wanted.name = service;
    wanted.targets = std::move(targets);
    container.name = "dialer-ui";
    model::Offered offered{"modem", model::Origin::host, {}};
    offered.offer.name = service;
    offered.offer.type = model::Type::rest;
    offered.offer.socket = "/run/api.sock";
    facts.offered = {offered};
  }
  [[nodiscard]] Result<model::Plan> plan() const {
    model::Manifest manifest;
    manifest.requirements = {wanted};
    return make_plan(container, manifest, {}, model::Origin::host, {}, facts);
  }
};

TEST(PlannerPromises, ARedirectedPathNeedsAnEngineThatAsksUs) {
  Setting setting("api", {"connect:/magic"});
  const auto refusal = [&] {
    const auto plan = setting.plan();
    return plan ? plan->links[0].target : plan.error().text.substr(plan.error().text.find(": target") + 2);
  };
  setting.facts.redirector = "/run/xconnect/n/kiosk";
  setting.container.notified = "/run/other";
  EXPECT_EQ(refusal(),
            "target \"connect:/magic\": linux.seccomp.listenerPath is \"/run/other\", and must be "
            "\"/run/xconnect/n/kiosk\"");
  setting.container.notified = setting.facts.redirector;
  EXPECT_EQ(refusal(), "connect:/magic");
  setting.container.engine = model::Engine::lxc;
  EXPECT_EQ(
      refusal(),
      "target \"connect:/magic\": needs an engine that asks about system calls as OCI says, and this is lxc; use a "
      "path");
}

TEST(PlannerPromises, APlaceThatAVariableNamesIsTheOnlyOne) {
  Setting setting("api", {"/run/a", "/tmp/a"});
  setting.container.annotations["io.xconnect.place.0"] = "api " + setting.wanted.role + " /tmp/a";
  EXPECT_EQ(setting.plan()->links[0].places, std::vector<std::string>{"/tmp/a"});
  EXPECT_EQ(setting.plan()->links[0].passed_over[0].place, "/run/a");
  setting.container.annotations["io.xconnect.place.0"] = "api " + setting.wanted.role + " @elsewhere";
  EXPECT_FALSE(setting.plan());  // an image's annotation opens no place
  setting.container.annotations["io.xconnect.place.0"] = "api other @elsewhere";
  EXPECT_EQ(setting.plan()->links[0].places.size(), 2U);
}

TEST(PlannerPromises, APortHasTheTokenOfItsVariable) {
  Setting setting("modem-api", {"tcp:127.0.0.1:80"});
  EXPECT_EQ(setting.plan()->links[0].token, "");
  setting.container.env = {"XC_MODEM_API_TOKEN=0123456789abcdef"};
  EXPECT_EQ(setting.plan()->links[0].token, "0123456789abcdef");
  EXPECT_EQ(describe_json(*setting.plan()).find("0123456789abcdef"), std::string::npos);
  for (const char* wrong : {"short", "0123456789 abcdef", "0123456789abcde\xc3\xa4"}) {
    setting.container.env = {std::string("XC_MODEM_API_TOKEN=") + wrong};
    EXPECT_FALSE(setting.plan()) << wrong;
  }
}

}  // namespace
}  // namespace xc::plan
