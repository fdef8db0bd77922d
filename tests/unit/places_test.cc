#include "plan/places.h"

#include <gtest/gtest.h>

namespace xc::plan {
namespace {

using Type = model::Type;

const std::string elsewhere =
    " is not in a place for sockets or devices: choose one below /run, /var/run, /tmp, /dev/shm, /dev/xconnect or "
    "$HOME/.local/run, or for a device below /dev/dri or /dev/input";

std::string verdict(const Result<>& result, Kind kind = Kind::manifest) {
  if (result) return "fits";
  EXPECT_EQ(result.error().kind, kind);
  return result.error().text;
}

model::Link at(std::string target, std::string service = "s") {
  model::Link link;
  link.service = std::move(service);
  link.target = std::move(target);
  return link;
}

TEST(Places, AcceptsWhereSocketsAndDevicesLive) {
  for (const char* target :
       {"auto", "/run/pv/services/x.sock", "/run/nm/api.sock", "/run/dbus/system_bus_socket", "/run/wayland-0",
        "/run/svc/modem.sock", "/var/run/docker.sock", "/tmp/.X11-unix/X0", "/dev/shm/x", "/dev/xconnect/x",
        "/dev/dri/renderD128", "/dev/input/event0", "/root/.local/run/x", "/home/kim/.local/run/a/b", "/run/...",
        "/run/..x/.y", "/run/a b", "/run/gr\xc3\xbc\xc3\x9f"})
    EXPECT_EQ(verdict(check_target(target, "")), "fits") << target;
}

std::string deep(int components) {
  std::string path;
  for (int i = 0; i < components; ++i) path += "/a";
  return path;
}

TEST(Places, LetsAPathBeSixtyFourComponentsDeep) {
  EXPECT_EQ(verdict(check_target("/run" + deep(63), "")), "fits");
}

TEST(Places, RefusesEveryOtherSpellingOfAPath) {
  struct Case {
    std::string target;
    std::string sentence;
  };
  const std::vector<Case> table{
      {"", "target \"\" is empty"},
      {"run/nm/api.sock", "target \"run/nm/api.sock\" is not absolute: it must begin with \"/\""},
      {"./x", "target \"./x\" is not absolute: it must begin with \"/\""},
      {" /run/x", "target \" /run/x\" is not absolute: it must begin with \"/\""},
      {"../../etc/cron.d/x", "target \"../../etc/cron.d/x\" is not absolute: it must begin with \"/\""},
      {"/", "target \"/\" is the root directory itself"},
      {"//", "target \"//\" ends in \"/\": it must name a file, not a directory"},
      {"/run/", "target \"/run/\" ends in \"/\": it must name a file, not a directory"},
      {"//run/x", "target \"//run/x\" has an empty component: write a single \"/\""},
      {"/run//x", "target \"/run//x\" has an empty component: write a single \"/\""},
      {"/run" + deep(64),
       "target "
       "\"/run/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/a/"
       "a/a/a/a/a/a/a/a/a/a/a/a\" has more than 64 components"},
      {"/.", "target \"/.\" has a \".\" component: leave it out"},
      {"/run/./x", "target \"/run/./x\" has a \".\" component: leave it out"},
      {"/run/x/.", "target \"/run/x/.\" has a \".\" component: leave it out"},
      {"/run/../../../../etc/x",
       "target \"/run/../../../../etc/x\" has a \"..\" component: write the path it leads to"},
      {"/run/x/..", "target \"/run/x/..\" has a \"..\" component: write the path it leads to"},
      {std::string("/run/a\0b", 8), "target \"/run/a\\x00b\" contains a control character"},
      {"/run/a\x1b[2J", "target \"/run/a\\x1b[2J\" contains a control character"},
      {"/run/a\x7f", "target \"/run/a\\x7f\" contains a control character"},
      {"/run/a\nb", "target \"/run/a\\x0ab\" contains a control character"},
      {"/run/\xff", "target \"/run/\\xff\" is not UTF-8"},
  };
  for (const auto& [target, sentence] : table) EXPECT_EQ(verdict(check_target(target, "")), sentence);
}

TEST(Places, LengthsEndAtTheKernelsLimits) {
  const auto of_length = [](std::size_t length) {
    std::string path = "/run";
    while (path.size() + 101 < length) path += "/" + std::string(100, 'x');
    return path + "/" + std::string(length - path.size() - 1, 'y');
  };
  EXPECT_EQ(verdict(check_target("/run/" + std::string(255, 'x'), "")), "fits");
  EXPECT_EQ(verdict(check_target("/run/" + std::string(256, 'x'), "")),
            "target \"/run/" + std::string(155, 'x') + "...\" has a component longer than 255 bytes");
  EXPECT_EQ(verdict(check_target(of_length(4095), "")), "fits");
  EXPECT_NE(verdict(check_target(of_length(4096), "")).find("is longer than 4095 bytes"), std::string::npos);
}

TEST(Places, RefusesDirectoriesThatOthersReadOrThatAreNotFiles) {
  for (const char* target : {"/etc/cron.d/x",
                             "/usr/lib/x",
                             "/proc/self/x",
                             "/sys/x",
                             "/dev/pts/0",
                             "/dev/null",
                             "/dev",
                             "/x",
                             "/runner/x",
                             "/run-x",
                             "/var",
                             "/var/lib/x",
                             "/var/runner/x",
                             "/var/tmp/x",
                             "/tmpx/y",
                             "/boot/x",
                             "/home/x",
                             "/lib/x",
                             "/home/a/b/.local/run/x",
                             "/home/.local/run/x",
                             "/root/.local/share/x",
                             "/dev/shmem/x",
                             "/dev/dri-x/y"})
    EXPECT_EQ(verdict(check_target(target, "")), "target \"" + std::string(target) + "\"" + elsewhere);
  for (const char* place : {"/run", "/var/run", "/tmp", "/dev/shm", "/dev/dri", "/dev/input", "/dev/xconnect"})
    EXPECT_EQ(verdict(check_target(place, "")),
              "target \"" + std::string(place) + "\" is a directory: add a file name");
}

TEST(Places, HomeOpensItsRunDirectoryAndNothingElse) {
  EXPECT_EQ(verdict(check_target("/opt/app/.local/run/x", "/opt/app")), "fits");
  EXPECT_EQ(verdict(check_target("/.local/run/x", "/")), "fits");
  const std::vector<std::pair<std::string, std::string>> refused{{"/opt/app/.local/run/x", ""},
                                                                 {"/opt/app/.local/run/x", "/opt"},
                                                                 {"/opt/app/x", "/opt/app"},
                                                                 {"/etc/.local/run/x", "/etc"},
                                                                 {"/proc/self/.local/run/x", "/proc/self"},
                                                                 {"/usr/lib/.local/run/x", "/usr/lib"},
                                                                 {"/opt/app/.local/run", "/opt/app"},
                                                                 {"/.local/run/x", ""}};
  for (const auto& [target, home] : refused)
    EXPECT_EQ(verdict(check_target(target, home)), "target \"" + target + "\"" + elsewhere);
}

TEST(Places, KnowsWhatIsNotSupportedYet) {
  const std::vector<std::pair<std::string, std::string>> table{{"shm:ring", "shared memory"}};
  for (const auto& [target, name] : table)
    EXPECT_EQ(verdict(check_target(target, ""), Kind::plant),
              "target \"" + target + "\" is not supported yet: " + name + "; use a path");
}

TEST(Places, ARedirectedPathMayBeAnyThatAProgramCanName) {
  EXPECT_EQ(verdict(check_target("connect:/etc/nothing/is/planted/there", "")), "fits");
  EXPECT_EQ(verdict(check_target("connect:/" + std::string(106, 'x'), "")), "fits");
  EXPECT_EQ(verdict(check_target("connect:/" + std::string(107, 'x'), "")).substr(0, 30),
            "target \"connect:...\": \"/xxxxxx");
  EXPECT_EQ(verdict(check_target("connect:run/x", "")),
            "target \"connect:...\": \"run/x\" is not absolute: it must begin with \"/\"");
  EXPECT_EQ(verdict(check_target("connect:", "")), "target \"connect:...\": \"\" is empty");
}

TEST(Places, ARedirectedPathHidesAPlantedOne) {
  std::vector<model::Link> links(2);
  links[0].target = "/run/x";
  links[1].target = "connect:/run/x";
  EXPECT_FALSE(check_conflicts(links));
  links[1].target = "connect:/run/y";
  EXPECT_TRUE(check_conflicts(links));
}

TEST(Places, ADescriptorIsHandedOverByName) {
  EXPECT_EQ(verdict(check_target("fd:WAYLAND", "")), "fits");
  for (const std::string target : {"fd:", "fd:a/b", "fd:.."})
    EXPECT_EQ(verdict(check_target(target, "")),
              "target \"" + target + "\" has no name of 1 to 64 of A-Z a-z 0-9 _ . - behind \"fd:\"");
}

TEST(Places, APortIsOnTheLoopbackAndCarriesBytes) {
  EXPECT_EQ(verdict(check_target("tcp:127.0.0.1:8080", "")), "fits");
  EXPECT_EQ(
      verdict(check_target("tcp:10.0.0.1:80", "")),
      "target \"tcp:10.0.0.1:80\" is not on the loopback: expected \"tcp:127.0.0.1:PORT\" with a port of 1 to 65535");
  EXPECT_EQ(verdict(check_place_for(Type::rest, "tcp:127.0.0.1:80")), "fits");
  EXPECT_EQ(verdict(check_place_for(Type::wayland, "tcp:127.0.0.1:80")),
            "target \"tcp:127.0.0.1:80\" carries bytes and no descriptors, which wayland needs; use a path");
}

TEST(Places, DevicesAndSocketsDoNotMix) {
  EXPECT_EQ(verdict(check_place_for(Type::drm, "/dev/dri/card0")), "fits");
  EXPECT_EQ(verdict(check_place_for(Type::rest, "/run/x")), "fits");
  EXPECT_EQ(verdict(check_place_for(Type::rest, "/dev/dri/card0")),
            "target \"/dev/dri/card0\" is for a socket, and must not lie below /dev/dri or /dev/input");
  EXPECT_EQ(verdict(check_place_for(Type::drm, "/run/card0")),
            "target \"/run/card0\" is for a device, and must lie below /dev/dri or /dev/input");
  EXPECT_EQ(type_by_place("/dev/dri/card0"), Type::drm);
  EXPECT_EQ(type_by_place("/dev/input/event1"), Type::input);
  EXPECT_EQ(type_by_place("/run/dri"), std::nullopt);
}

TEST(Places, AnAbstractNameIsWhatTheKernelTakes) {
  EXPECT_EQ(verdict(check_target("@vgpu-mediator", "")), "fits");
  EXPECT_EQ(verdict(check_target("@" + std::string(107, 'x'), "")), "fits");
  EXPECT_NE(verdict(check_target("@" + std::string(108, 'x'), "")).find("longer than the 107 bytes"),
            std::string::npos);
  EXPECT_EQ(verdict(check_target("@", "")), "target \"@\" has no name behind the \"@\"");
  EXPECT_EQ(verdict(check_target("@a\nb", "")), "target \"@a\\x0ab\" contains a control character");
  EXPECT_EQ(verdict(check_target("@\xff", "")), "target \"@\\xff\" is not UTF-8");
  EXPECT_EQ(verdict(check_place_for(Type::rest, "@api")), "fits");
  EXPECT_EQ(verdict(check_place_for(Type::drm, "@card0")),
            "target \"@card0\" is a socket's name, and the service is a device");
}

TEST(Places, TwoLinksNeverMeet) {
  EXPECT_EQ(verdict(check_conflicts({at("/run/a"), at("/run/ab"), at("/run/b/a"), at("/tmp/a")})), "fits");
  EXPECT_EQ(verdict(check_conflicts({at("/run/a", "one"), at("/run/b"), at("/run/a", "two")})),
            "services \"one\" and \"two\" have the same target \"/run/a\": give each a place of its own");
  EXPECT_EQ(verdict(check_conflicts({at("/run/a", "one"), at("/var/run/a", "two")})),
            "services \"one\" and \"two\" have the same target \"/var/run/a\": give each a place of its own");
  const std::string nested =
      "targets \"/run/a\" and \"/run/a/b\" of services \"one\" and \"two\" lie one below the other";
  EXPECT_EQ(verdict(check_conflicts({at("/run/a", "one"), at("/run/a/b", "two")})), nested);
  EXPECT_EQ(verdict(check_conflicts({at("/run/a/b/c", "two"), at("/run/a", "one")})),
            "targets \"/run/a/b/c\" and \"/run/a\" of services \"two\" and \"one\" lie one below the other");
}

TEST(Places, TwoLinksNeverMeetWhereNothingIsPlanted) {
  model::Link one = at("/run/a", "one");
  model::Link two = at("/run/b", "two");
  one.places = {"/run/a", "connect:/magic"};
  two.places = {"/run/b", "connect:/other"};
  EXPECT_EQ(verdict(check_conflicts({one, two})), "fits");
  two.places.emplace_back("connect:/magic");
  EXPECT_EQ(verdict(check_conflicts({one, two})),
            "services \"one\" and \"two\" have the same target \"connect:...\": give each a place of its own");
}

}  // namespace
}  // namespace xc::plan
