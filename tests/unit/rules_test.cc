#include "plan/rules.h"

#include <gtest/gtest.h>

namespace xc::plan {
namespace {

std::string verdict(const Result<>& result, Kind kind = Kind::manifest) {
  if (result) return "fits";
  EXPECT_EQ(result.error().kind, kind);
  return result.error().text;
}

const std::string not_a_name = " is not a name: expected 1 to 64 of A-Z a-z 0-9 _ . -, not beginning with . or -";

model::Offer offer(std::string name, std::string socket) {
  model::Offer one;
  one.name = std::move(name);
  one.socket = std::move(socket);
  return one;
}

TEST(Rules, TheContainersNameIsAName) {
  model::Container container;
  container.name = "dialer-ui";
  EXPECT_EQ(verdict(check_container(container)), "fits");
  container.name = "../up";
  EXPECT_EQ(verdict(check_container(container)), "container \"../up\"" + not_a_name);
  container.name = "@host";
  EXPECT_EQ(verdict(check_container(container)), "container \"@host\"" + not_a_name);
  container.name = "";
  EXPECT_EQ(verdict(check_container(container)), "container \"\"" + not_a_name);
}

TEST(Rules, ServiceRoleAndProviderAreNames) {
  model::Requirement wanted;
  wanted.name = "modem-api";
  EXPECT_EQ(verdict(check_requirement(wanted)), "fits");
  wanted.provider = "@host";
  EXPECT_EQ(verdict(check_requirement(wanted)), "fits");
  wanted.provider = "@other";
  EXPECT_EQ(verdict(check_requirement(wanted)), "provider \"@other\"" + not_a_name);
  wanted.role = "admin\r\nX-PV-Role: root";
  EXPECT_EQ(verdict(check_requirement(wanted)), "role \"admin\\x0d\\x0aX-PV-Role: root\"" + not_a_name);
  wanted.name = std::string(65, 'a');
  EXPECT_EQ(verdict(check_requirement(wanted)), "service \"" + wanted.name + "\"" + not_a_name);
}

TEST(Rules, SixtyFourServicesAreTheLimit) {
  model::Manifest manifest;
  manifest.requirements.resize(64);
  EXPECT_EQ(verdict(check_count(manifest)), "fits");
  manifest.requirements.resize(65);
  EXPECT_EQ(verdict(check_count(manifest)), "65 services are asked for, 64 are the limit");
  EXPECT_EQ(verdict(check_offers({std::vector<model::Offer>(65), {}})), "65 services are offered, 64 are the limit");
}

TEST(Rules, OnlyStreamsAreMediated) {
  EXPECT_EQ(verdict(check_socket_kind(model::SocketKind::stream, false)), "fits");
  EXPECT_EQ(verdict(check_socket_kind(model::SocketKind::seqpacket, false)), "fits");
  EXPECT_EQ(verdict(check_socket_kind(model::SocketKind::datagram, true)), "fits");
  EXPECT_EQ(verdict(check_socket_kind(model::SocketKind::datagram, false), Kind::plant),
            "a \"dgram\" service must be offered with \"via\": \"direct\": what it answers goes to the client's own "
            "address, which nobody in between can have");
}

TEST(Rules, AnOfferLivesAtAPathInItsOwnRoot) {
  EXPECT_EQ(verdict(check_offer(offer("x", "/var/lib/mysql/mysql.sock"))), "fits");
  EXPECT_EQ(verdict(check_offer(offer("x", ""))), "offered service \"x\": socket \"\" is empty");
  EXPECT_EQ(verdict(check_offer(offer("x", "run/x"))),
            "offered service \"x\": socket \"run/x\" is not absolute: it must begin with \"/\"");
  EXPECT_EQ(verdict(check_offer(offer("x", "/run/../x"))),
            "offered service \"x\": socket \"/run/../x\" has a \"..\" component: write the path it leads to");
  EXPECT_EQ(verdict(check_offer(offer("a b", "/run/x"))), "offered service \"a b\"" + not_a_name);
}

TEST(Rules, AnOfferMayHaveAnAbstractName) {
  EXPECT_EQ(verdict(check_offer(offer("x", "@vgpu"))), "fits");
  EXPECT_EQ(verdict(check_offer(offer("x", "@"))), "offered service \"x\": socket \"@\" has no name behind the \"@\"");
}

TEST(Rules, AnOfferAtAPortCarriesBytesAlone) {
  const std::string sentence =
      "offered service \"x\": socket \"tcp:127.0.0.1:80\" carries bytes alone: no descriptors, no messages, no "
      "credentials; use a path";
  auto http = offer("x", "tcp:127.0.0.1:80");
  EXPECT_EQ(verdict(check_offer(http)), "fits");
  http.identity = model::Identity::credentials;
  EXPECT_EQ(verdict(check_offer(http)), sentence);
  http.identity.reset();
  http.socket_kind = model::SocketKind::seqpacket;
  EXPECT_EQ(verdict(check_offer(http)), sentence);
  http.socket_kind = model::SocketKind::stream;
  http.type = model::Type::wayland;
  EXPECT_EQ(verdict(check_offer(http)), sentence);
  for (const std::string address :
       {"tcp:0.0.0.0:80", "tcp:127.0.0.1:0", "tcp:127.0.0.1:080", "tcp:127.0.0.1:65536", "tcp:"})
    EXPECT_EQ(verdict(check_offer(offer("x", address))),
              "offered service \"x\": socket \"" + address +
                  "\" is not on the loopback: expected \"tcp:127.0.0.1:PORT\" with a port of 1 to 65535");
}

TEST(Rules, ANameOwnedOnABusNeedsNoSocket) {
  auto modem = offer("io.acme.Modem", "");
  modem.type = model::Type::dbus;
  modem.owns = "io.acme.Modem";
  EXPECT_EQ(verdict(check_offer(modem)), "fits");
  modem.socket = "relative";
  EXPECT_EQ(verdict(check_offer(modem)),
            "offered service \"io.acme.Modem\": socket \"relative\" is not absolute: it must begin with \"/\"");
  modem.socket.clear();
  modem.type = model::Type::rest;
  EXPECT_EQ(verdict(check_offer(modem)), "offered service \"io.acme.Modem\": socket \"\" is empty");
}

TEST(Rules, NoServiceIsOfferedTwice) {
  EXPECT_EQ(verdict(check_offers({{offer("a", "/run/a"), offer("b", "/run/b")}, {}})), "fits");
  EXPECT_EQ(verdict(check_offers({{offer("a", "/run/a"), offer("b", "/run/b"), offer("a", "/run/c")}, {}})),
            "service \"a\" is offered twice");
}

TEST(Rules, EveryTypeThatHasANameIsMediated) {
  for (const char* name : {"unix", "rest", "dbus", "wayland", "drm", "input", "char", "vchan"})
    EXPECT_EQ(verdict(check_type(*model::type_of(name))), "fits");
  EXPECT_EQ(verdict(check_type(model::Type::count_), Kind::plant), "services of type \"?\" are not supported yet");
}

TEST(Rules, AnInterfaceOnABusIsUnderstoodOrRefused) {
  model::Requirement wanted;
  EXPECT_EQ(verdict(check_interface(wanted, model::Type::dbus)), "fits");
  wanted.interface = "dbus";
  EXPECT_EQ(verdict(check_interface(wanted, model::Type::dbus)), "fits");
  wanted.interface = "rest";
  EXPECT_EQ(verdict(check_interface(wanted, model::Type::rest)), "fits");
  EXPECT_EQ(verdict(check_interface(wanted, model::Type::dbus), Kind::manifest),
            "interface \"rest\" is not a bus name: expected one such as \"org.example.Name\" or \"org.example.*\"");
  wanted.dbus.emplace();
  EXPECT_EQ(verdict(check_interface(wanted, model::Type::dbus)), "fits");
}

TEST(Rules, AnAbstractEndpointStaysOutOfTheHostsNetwork) {
  model::Requirement wanted;
  EXPECT_EQ(verdict(check_abstract("@vgpu", wanted, false)), "fits");
  EXPECT_EQ(verdict(check_abstract("/run/vgpu", wanted, true)), "fits");
  EXPECT_EQ(verdict(check_abstract("@vgpu", wanted, true), Kind::plant),
            "abstract endpoint with host network: \"@vgpu\" would be visible to every process of the host; use a path, "
            "or \"shared-netns\": true");
  wanted.shared_netns = true;
  EXPECT_EQ(verdict(check_abstract("@vgpu", wanted, true)), "fits");
}

TEST(Rules, AnEndpointThatNeighboursInANetworkWouldSeeMustBeMeant) {
  model::Requirement wanted;
  const std::string rest =
      " would be there for the other containers of that network as well; use a path, or "
      "\"shared-netns\": true";
  EXPECT_EQ(verdict(check_neighbours("@vgpu", wanted, false)), "fits");
  EXPECT_EQ(verdict(check_neighbours("/run/vgpu", wanted, true)), "fits");
  EXPECT_EQ(verdict(check_neighbours("@vgpu", wanted, true), Kind::plant),
            "abstract endpoint with shared network: \"@vgpu\"" + rest);
  EXPECT_EQ(verdict(check_neighbours("tcp:127.0.0.1:80", wanted, true), Kind::plant),
            "port with shared network: \"tcp:127.0.0.1:80\"" + rest);
  wanted.shared_netns = true;
  EXPECT_EQ(verdict(check_neighbours("@vgpu", wanted, true)), "fits");
}

TEST(Rules, NeighboursInANetworkMatterWhereALinkMayLieInIt) {
  const auto asks = [](std::vector<std::string> targets) {
    model::Manifest wants;
    wants.requirements.emplace_back().targets = std::move(targets);
    return may_need_network(wants);
  };
  EXPECT_FALSE(asks({"/run/a", "fd:a"}));
  EXPECT_TRUE(asks({}));
  EXPECT_TRUE(asks({"/run/a", "auto"}));
  EXPECT_TRUE(asks({"/run/a", "@a"}));
  EXPECT_TRUE(asks({"tcp:127.0.0.1:80"}));
}

}  // namespace
}  // namespace xc::plan
