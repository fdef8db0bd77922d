// What Pantavisor's files say: revisions, uids of roles, and the bus that follows from them.
#include <gtest/gtest.h>

#include "grant/hosted_bus.h"
#include "parse/revision.h"

namespace xc {
namespace {

TEST(Revision, IsTheManifestsOfItsContainersAndIgnoresTheRest) {
  const auto revision = parse::parse_revision(
      R"({"#spec":"pantavisor-service-system@1","bsp/run.json":{"initrd":"x"},"device.json":{"groups":[]},
          "dialer/run.json":{"services":{"required":[{"name":"api"}]}},"dialer/root.squashfs":"00",
          "modem/services.json":[{"name":"api","type":"rest","socket":"/run/api"}],
          "_config/modem/services.json":[7],"../run.json":7,"run.json":7})",
      "json");
  ASSERT_TRUE(revision) << revision.error().text;
  ASSERT_EQ(revision->members.size(), 3U);
  EXPECT_EQ(revision->members[1].name, "dialer");
  EXPECT_EQ(revision->members[1].wants->requirements.at(0).name, "api");
  EXPECT_EQ(revision->members[1].wants->requirements.at(0).where, "json: /dialer~1run.json/services/required/0");
  EXPECT_FALSE(revision->members[1].offers);
  EXPECT_EQ(revision->members[2].offers->offers.at(0).socket, "/run/api");
}

TEST(Revision, KeepsAFaultWithItsContainer) {
  const auto revision = parse::parse_revision(
      R"({"bad/services.json":[{"name":"x","type":"rest","socket":7}],"good/run.json":{}})", "json");
  ASSERT_TRUE(revision) << revision.error().text;
  EXPECT_EQ(revision->members.at(0).fault,
            "json: /bad~1services.json/0/socket: expected a string without control characters that is not "
            "empty, found a number (7)");
  EXPECT_TRUE(revision->members.at(1).fault.empty());
}

TEST(Revision, IsAnObjectOfAtMost256Containers) {
  EXPECT_FALSE(parse::parse_revision("[]", "json"));
  std::string text = "{";
  for (int i = 0; i < 257; ++i) text += (i > 0 ? ",\"c" : "\"c") + std::to_string(i) + "/run.json\":{}";
  const auto revision = parse::parse_revision(text + "}", "json");
  ASSERT_FALSE(revision);
  EXPECT_EQ(revision.error().text, "json: /c256~1run.json: belongs to one container more than the 256 allowed");
}

TEST(RoleUids, AreNeverRoot) {
  const auto good = parse::parse_role_uids(R"({"dialer":90000,"not a name":90001})", "uids");
  ASSERT_TRUE(good) << good.error().text;
  EXPECT_EQ(good->uids, (std::map<std::string, std::uint32_t>{{"dialer", 90000}}));
  for (const char* uid : {"0", "-1", "4294967295", "\"90000\"", "1.5"}) {
    const auto bad = parse::parse_role_uids(std::string("{\"dialer\":") + uid + "}", "uids");
    ASSERT_FALSE(bad) << uid;
    EXPECT_TRUE(bad.error().text.starts_with("uids: /dialer: expected a uid other than root's")) << bad.error().text;
  }
}

model::Offer owner(std::string name, std::string role, std::optional<std::vector<std::string>> allow) {
  model::Offer offer;
  offer.type = model::Type::dbus;
  offer.name = offer.owns = std::move(name);
  offer.bus = grant::hosted_bus_name;
  offer.role = std::move(role);
  offer.allow = std::move(allow);
  return offer;
}

TEST(HostedBus, GivesARoleItsUidAndTheNamesThatOwnersAllow) {
  auto elsewhere = owner("io.acme.Session", "modem", {});
  elsewhere.bus = "session-bus";
  const auto bus =
      grant::make_hosted_bus({owner("io.acme.Modem", "modem", {{"dialer"}}), owner("io.acme.Clock", "", {}),
                              owner("io.acme.Safe", "safe", {{}}), elsewhere},
                             {{"modem", 90000}, {"dialer", 90001}}, "/bus");
  EXPECT_EQ(bus.provider, "");
  EXPECT_EQ(bus.offer.name, "system-bus");
  EXPECT_EQ(bus.offer.socket, "/bus");
  ASSERT_EQ(bus.offer.roles->size(), 2U);
  const auto& modem = bus.offer.roles->at("modem");
  EXPECT_EQ(modem.uid, 90000U);
  EXPECT_EQ(modem.dbus->own, std::vector<std::string>{"io.acme.Modem"});
  EXPECT_EQ(modem.dbus->talk, std::vector<std::string>{"io.acme.Clock"});
  const auto& dialer = bus.offer.roles->at("dialer");
  EXPECT_EQ(dialer.uid, 90001U);
  EXPECT_TRUE(dialer.dbus->own.empty());
  EXPECT_EQ(dialer.dbus->talk, (std::vector<std::string>{"io.acme.Modem", "io.acme.Clock"}));
}

}  // namespace
}  // namespace xc
