#include "plan/auto_places.h"

#include <gtest/gtest.h>

namespace xc::plan {
namespace {

using model::Type;
using List = std::vector<std::string>;

TEST(AutoPlaces, AServiceHasItsOwnDirectoryThenTheCommonOnesThenAName) {
  const List expected{"/run/pv/services/api.sock", "/run/api.sock", "/tmp/api.sock", "/dev/shm/api.sock",
                      "/root/.local/run/api.sock", "@api"};
  EXPECT_EQ(auto_places(Type::rest, "api", {"HOME=/root"}), expected);
  EXPECT_EQ(auto_places(Type::raw_unix, "api", {"PATH=/bin", "HOME=/root"}), expected);
  EXPECT_EQ(auto_places(Type::rest, "api", {"HOME=/"}).at(4), "/.local/run/api.sock");
  EXPECT_EQ(auto_places(Type::rest, "api", {"HOME=relative"}).size(), 5U);
}

TEST(AutoPlaces, AWaylandClientLooksWhereItsVariablesSay) {
  const auto first = [](const Environment& environment) {
    return auto_places(Type::wayland, "ui", environment).front();
  };
  EXPECT_EQ(first({}), "/run/wayland-0");
  EXPECT_EQ(first({"XDG_RUNTIME_DIR=/run/user/7"}), "/run/user/7/wayland-0");
  EXPECT_EQ(first({"XDG_RUNTIME_DIR=/run/user/7", "WAYLAND_DISPLAY=screen"}), "/run/user/7/screen");
  EXPECT_EQ(first({"XDG_RUNTIME_DIR=/run/user/7", "WAYLAND_DISPLAY=/run/w"}), "/run/w");
  EXPECT_EQ(first({"WAYLAND_DISPLAY=screen"}), "/run/wayland-0") << "without a directory the client finds nothing";
  EXPECT_EQ(first({"XDG_RUNTIME_DIR=run"}), "/run/wayland-0") << "libwayland refuses a relative one";
  EXPECT_EQ(first({"WAYLAND_DISPLAY=/run/a", "WAYLAND_DISPLAY=/run/b"}), "/run/a");
  for (const auto& place : auto_places(Type::wayland, "ui", {"HOME=/root"})) EXPECT_FALSE(place.starts_with('@'));
}

TEST(AutoPlaces, ABusClientLooksAtItsAddress) {
  const auto system = [](const std::string& value) {
    return auto_places(Type::dbus, "system-bus", {"DBUS_SYSTEM_BUS_ADDRESS=" + value}).front();
  };
  EXPECT_EQ(system(""), "/run/dbus/system_bus_socket");
  EXPECT_EQ(system("unix:path=/run/bus"), "/run/bus");
  EXPECT_EQ(system("unix:guid=00,path=/run/bus"), "/run/bus");
  EXPECT_EQ(system("tcp:host=x;unix:path=/run/a;unix:path=/run/b"), "/run/a");
  EXPECT_EQ(system("unix:abstract=/tmp/x"), "@/tmp/x");
  EXPECT_EQ(system("unix:path=/run/a%20b"), "/run/a b");
  EXPECT_EQ(system("unix:path=/run/a%2"), "/run/dbus/system_bus_socket") << "malformed";
  EXPECT_EQ(system("unix:path=/run/a%zz"), "/run/dbus/system_bus_socket") << "malformed";
  EXPECT_EQ(system("unix:runtime=yes"), "/run/dbus/system_bus_socket");
}

TEST(AutoPlaces, ASessionBusIsKnownByItsName) {
  const Environment environment{"XDG_RUNTIME_DIR=/run/user/7", "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/system"};
  EXPECT_EQ(auto_places(Type::dbus, "session-bus", environment).front(), "/run/user/7/bus");
  EXPECT_EQ(auto_places(Type::dbus, "bus", environment).front(), "/run/system");
  EXPECT_EQ(auto_places(Type::dbus, "session-bus", {"DBUS_SESSION_BUS_ADDRESS=unix:path=/run/s"}).front(), "/run/s");
}

TEST(AutoPlaces, NoPlaceIsNamedTwiceAndDevicesHaveNone) {
  const List places = auto_places(Type::wayland, "ui", {"WAYLAND_DISPLAY=/run/wayland-0"});
  EXPECT_EQ(places, (List{"/run/wayland-0", "/tmp/wayland-0", "/dev/shm/wayland-0"}));
  EXPECT_TRUE(auto_places(Type::drm, "gpu0", {}).empty());
  EXPECT_TRUE(auto_places(Type::input, "kbd", {}).empty());
}

}  // namespace
}  // namespace xc::plan
