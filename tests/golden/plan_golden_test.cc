// Whole plans as text and JSON, held against files in tests/golden/plan. To rewrite the files after a wanted change:
//     XC_REWRITE_GOLDEN=1 build/dev/tests/unit_tests --gtest_filter='GoldenPlan*'
// and read the difference before committing it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "plan/describe.h"
#include "plan/planner.h"

namespace xc::plan {
namespace {

void compare(const std::string& name, const std::string& text) {
  const std::string path = XC_SOURCE_DIR "/tests/golden/plan/" + name;
  if (std::getenv("XC_REWRITE_GOLDEN") != nullptr) {
    std::ofstream(path) << text;
    return;
  }
  std::ostringstream golden;
  golden << std::ifstream(path).rdbuf();
  EXPECT_EQ(golden.str(), text) << path;
}

void compare_both(const std::string& name, const Result<model::Plan>& plan) {
  ASSERT_TRUE(plan) << plan.error().text;
  compare(name + ".golden.txt", describe(*plan));
  compare(name + ".golden.json", describe_json(*plan) + "\n");
}

model::Container container(std::string name) {
  model::Container one;
  one.name = std::move(name);
  one.pid = 4211;
  one.bundle = "/srv/bundles/" + one.name;
  one.root = one.bundle + "/rootfs";
  one.env = {"HOME=/root", "SECRET=hunter2"};
  one.annotations = {{"io.xconnect.token", "hunter2"}};
  return one;
}

model::Requirement wants(std::string name, std::string role, std::string target, std::string where) {
  model::Requirement wanted;
  wanted.name = std::move(name);
  wanted.role = std::move(role);
  wanted.required = where.find("required") != std::string::npos;
  if (!target.empty()) wanted.targets.push_back(std::move(target));
  wanted.where = "run.json: /services/" + std::move(where);
  return wanted;
}

model::Offer offer(std::string name, model::Type type, std::string socket) {
  model::Offer one;
  one.name = std::move(name);
  one.type = type;
  one.socket = std::move(socket);
  return one;
}

/// A user interface beside a modem that is up, a log service of the host, and a panel that is not supported yet.
TEST(GoldenPlan, Consumer) {
  const model::Manifest manifest{
      "dialer-ui",
      {wants("modem-api", "dialer", "/run/svc/modem.sock", "required/0"), wants("log", "any", "", "required/1"),
       wants("later", "any", "", "optional/0"), wants("panel", "any", "/run/wayland-0", "optional/1")}};
  model::HostFacts facts;
  facts.offered = {{"modem", model::Origin::host, offer("modem-api", model::Type::rest, "/run/modem/http.sock")},
                   {"", model::Origin::host, offer("log", model::Type::raw_unix, "/run/log.sock")},
                   {"", model::Origin::host, offer("panel", model::Type::wayland, "/run/panel-0")}};
  facts.offered[1].offer.socket_kind = model::SocketKind::datagram;
  compare_both("consumer", make_plan(container("dialer-ui"), manifest, {}, model::Origin::host, {}, facts));
}

/// Policy with two entries for one role, each for providers of its own.
TEST(GoldenPlan, UnderPolicy) {
  model::RoleRules read;
  read.rest = model::RestRules{false, false, {{{"GET", "HEAD"}, {"/v1/**"}}, {{"POST"}, {"/v1/dial", "/v1/hang-up"}}}};
  model::RoleRules all;
  all.rest = model::RestRules{true, true, {}};
  all.dbus = model::DbusRules{false, {"a.*"}, {"org.acme.B"}, {}, {"c.D=e.F.*@/*"}, {}};
  all.wayland = "ui";
  all.raw_unix = model::UnixRules{4};
  const model::Policy policy{
      true, {{"dialer-*", "modem-*", "*", {{"dialer", read}}}, {"dialer-ui", "*", "modem", {{"*", all}}}}, {}};
  auto named = wants("log", "any", "/run/log", "required/1");
  named.provider = "modem";
  const model::Manifest manifest{"", {wants("modem-api", "dialer", "/run/svc/modem.sock", "required/0"), named}};
  model::HostFacts facts;
  facts.offered = {{"modem", model::Origin::host, offer("modem-api", model::Type::rest, "/run/modem/http.sock")}};
  compare_both("under-policy", make_plan(container("dialer-ui"), manifest, {}, model::Origin::host, policy, facts));
}

/// A provider whose own image says what it offers; LXC, so neither bundle nor environment is known.
TEST(GoldenPlan, Provider) {
  auto restricted = offer("modem-api", model::Type::rest, "/run/modem/http.sock");
  restricted.allow = {"dialer", "viewer"};
  auto owner = offer("io.acme.Modem", model::Type::dbus, "");
  owner.owns = "io.acme.Modem";
  model::Container modem;
  modem.engine = model::Engine::lxc;
  modem.name = "modem";
  compare_both("provider", make_plan(modem, {}, {{restricted, owner}}, model::Origin::image, {}, {}));
}

TEST(GoldenPlan, FromFilesAlone) {
  auto alone = container("alone");
  alone.pid = 0;
  model::HostFacts facts;
  facts.known_container = false;
  compare_both("from-files-alone", make_plan(alone, {"", {wants("api", "any", "/tmp/api", "required/0")}}, {},
                                             model::Origin::host, {}, facts));
}

TEST(GoldenPlan, NothingToDo) {
  compare_both("nothing-to-do", make_plan(container("plain"), {}, {}, model::Origin::host, {}, {}));
}

}  // namespace
}  // namespace xc::plan
