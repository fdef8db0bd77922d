// Whole plans, from the documents in tests/golden/plan to the text and JSON beside them. Of a scenario NAME:
//     NAME.run.json       what the container wants        NAME.host.json   services the host offers
//     NAME.services.json  what it offers itself           NAME.modem.json  services the container "modem" offers
//     NAME.policy.json    host policy                     (all but the run.json may be missing)
// To rewrite the results after a wanted change, and then read the difference before committing it:
//     XC_REWRITE_GOLDEN=1 build/dev/tests/unit_tests --gtest_filter='GoldenPlan*'
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "parse/manifest.h"
#include "parse/policy.h"
#include "plan/describe.h"
#include "plan/planner.h"

namespace xc::plan {
namespace {

std::optional<std::string> read(const std::string& name) {
  std::ifstream file(XC_SOURCE_DIR "/tests/golden/plan/" + name);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void compare(const std::string& name, const std::string& text) {
  if (std::getenv("XC_REWRITE_GOLDEN") != nullptr)
    std::ofstream(XC_SOURCE_DIR "/tests/golden/plan/" + name) << text;
  else
    EXPECT_EQ(read(name).value_or("(no such file)"), text) << name;
}

/// A document of the scenario; the empty one when it has none.
template <class T>
T parsed(const std::string& file, Result<T> parse(std::string_view, std::string_view), const std::string& called) {
  const auto text = read(file);
  if (!text) return {};
  auto value = parse(*text, called);
  EXPECT_TRUE(value) << file << ": " << value.error().text;
  return value ? *std::move(value) : T{};
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

void compare_plan(const std::string& scenario, const model::Container& consumer, model::HostFacts facts = {},
                  model::Origin exports_origin = model::Origin::host) {
  ASSERT_TRUE(read(scenario + ".run.json")) << "no such scenario";
  const auto manifest = parsed(scenario + ".run.json", parse::parse_run, "run.json");
  const auto exports = parsed(scenario + ".services.json", parse::parse_services, "services.json");
  const auto policy = parsed(scenario + ".policy.json", parse::parse_policy, "policy.json");
  const std::pair<std::string, std::string> providers[] = {{"host", ""}, {"modem", "modem"}};
  for (const auto& [file, name] : providers)
    for (auto& offer : parsed(scenario + "." + file + ".json", parse::parse_services, file).offers)
      facts.offered.push_back({name, model::Origin::host, std::move(offer)});
  const auto plan = make_plan(consumer, manifest, exports, exports_origin, policy, facts);
  ASSERT_TRUE(plan) << plan.error().text;
  compare(scenario + ".golden.txt", describe(*plan));
  compare(scenario + ".golden.json", describe_json(*plan) + "\n");
}

/// A user interface beside a modem that is up, a log service of the host, and a panel that is not supported yet.
TEST(GoldenPlan, Consumer) {
  compare_plan("consumer", container("dialer-ui"));
}

/// Two entries for one role, each for providers of its own.
TEST(GoldenPlan, UnderPolicy) {
  compare_plan("under-policy", container("dialer-ui"));
}

/// A bus of the host with a role of its own, and one that nobody offers yet.
TEST(GoldenPlan, Bus) {
  compare_plan("bus", container("dialer"));
}

/// A provider whose own image says what it offers; LXC, so neither bundle nor environment is known.
TEST(GoldenPlan, Provider) {
  model::Container modem;
  modem.engine = model::Engine::lxc;
  modem.name = "modem";
  compare_plan("provider", modem, {}, model::Origin::image);
}

TEST(GoldenPlan, FromFilesAlone) {
  auto alone = container("alone");
  alone.pid = 0;
  model::HostFacts facts;
  facts.known_container = false;
  compare_plan("from-files-alone", alone, facts);
}

TEST(GoldenPlan, NothingToDo) {
  compare_plan("nothing-to-do", container("plain"));
}

TEST(Description, HoldsNoByteThatIsNotPrintable) {
  model::Plan plan;
  plan.container = container("a\x1b[2J");
  model::Link link;
  link.service = "b\r";
  link.role = "c\n";
  link.target = "/run/\xe2\x80\xae";
  link.grants.push_back({"d\x7f", {}});
  plan.links.push_back(link);
  plan.offers.emplace_back();
  plan.offers.back().name = "e\x01";
  plan.offers.back().socket = "/f\x02";
  plan.notes.push_back({true, "g\x03"});
  for (const char c : describe(plan)) EXPECT_TRUE(c == '\n' || (c >= 0x20 && c < 0x7f)) << int{c};
  for (const char c : describe_json(plan)) EXPECT_FALSE((c >= 0 && c < 0x20) || c == 0x7f) << int{c};
}

TEST(Description, KeepsTheEnvironmentToItself) {
  model::Plan plan;
  plan.container = container("a");
  EXPECT_EQ(describe(plan).find("hunter2"), std::string::npos);
  EXPECT_EQ(describe_json(plan).find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace xc::plan
