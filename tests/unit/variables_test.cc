// Variables that a container is given with its links.
#include "plan/variables.h"

#include <gtest/gtest.h>

namespace xc::plan {
namespace {

using Variables = std::map<std::string, std::string>;

model::Link link(const std::string& service, model::Type type, const std::string& target) {
  model::Link one;
  one.service = service;
  one.role = "any";
  one.type = type;
  one.target = target;
  return one;
}

TEST(Variables, ADisplayIsNamedByItsPath) {
  EXPECT_EQ(variables_of({link("display", model::Type::wayland, "/run/wl")}, {}),
            (Variables{{"WAYLAND_DISPLAY", "/run/wl"}}));
  EXPECT_EQ(variables_of({link("display", model::Type::wayland, "fd:display")}, {}), Variables{});
}

TEST(Variables, ABusIsNamedByAnAddressThatItsClientsUnderstand) {
  EXPECT_EQ(
      variables_of(
          {link("system-bus", model::Type::dbus, "/run/a b,c"), link("session-bus", model::Type::dbus, "@bus")}, {}),
      (Variables{{"DBUS_SESSION_BUS_ADDRESS", "unix:abstract=bus"},
                 {"DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/run/a%20b%2cc"}}));
}

TEST(Variables, AProgramIsToldItsDomain) {
  auto channel = link("channel", model::Type::vchan, "/var/run/vchan/vchan.1.7.3.sock");
  channel.vchan = {1, 7, 3};
  EXPECT_EQ(variables_of({channel}, {}), (Variables{{"VCHAN_DOMAIN", "7"}}));
}

TEST(Variables, TheFirstLinkOfItsKindCounts) {
  EXPECT_EQ(
      variables_of({link("one", model::Type::wayland, "/run/1"), link("two", model::Type::wayland, "/run/2")}, {}),
      (Variables{{"WAYLAND_DISPLAY", "/run/1"}}));
}

TEST(Variables, ARequirementsOwnWordCountsMost) {
  model::Manifest wants;
  wants.requirements.resize(2);
  wants.requirements[0].name = "display";
  wants.requirements[0].env = {{"WAYLAND_DISPLAY", "x"}, {"URL", "{target}:{target}"}};
  wants.requirements[1].name = "left-out";
  wants.requirements[1].env = {{"NEVER", "1"}};
  EXPECT_EQ(variables_of({link("display", model::Type::wayland, "/run/{target}")}, wants),
            (Variables{{"URL", "/run/{target}:/run/{target}"}, {"WAYLAND_DISPLAY", "x"}}));
}

}  // namespace
}  // namespace xc::plan
