// Plans whose places cannot carry what the service sends: messages, descriptors, datagrams.
#include <gtest/gtest.h>

#include "plan/planner.h"

namespace xc::plan {
namespace {

using model::SocketKind;
using model::Type;

/// Where a service of the host comes to, or why nowhere.
std::string placed(std::vector<std::string> targets, Type type, SocketKind kind = SocketKind::stream) {
  model::Offered offered{"", model::Origin::host, {}};
  offered.offer.name = "api";
  offered.offer.type = type;
  offered.offer.socket = "/run/api.sock";
  offered.offer.socket_kind = kind;
  offered.offer.direct = kind == SocketKind::datagram;
  if (offered.offer.direct) offered.offer.roles = {{"any", {.raw_unix = model::UnixRules{model::most_descriptors}}}};
  model::Manifest manifest;
  manifest.requirements.resize(1);
  manifest.requirements.front().name = "api";
  manifest.requirements.front().targets = std::move(targets);
  model::Container container;
  container.name = "dialer-ui";
  const model::HostFacts facts{.offered = {offered}};
  const auto plan = make_plan(container, manifest, {}, model::Origin::host, {}, facts);
  if (!plan) return plan.error().text;
  std::string all;
  for (const auto& place : plan->links.at(0).places) all += place + " ";
  return all;
}

TEST(PlannerCarriers, APortCarriesBytesAlone) {
  const std::string port = "tcp:127.0.0.1:80";
  EXPECT_EQ(placed({port}, Type::rest), port + " ");
  EXPECT_EQ(placed({port}, Type::raw_unix), port + " ");
  for (const Type type : {Type::dbus, Type::wayland})
    EXPECT_EQ(placed({port}, type), "service \"api\": target \"" + port +
                                        "\" carries bytes and no descriptors, which " + std::string(name_of(type)) +
                                        " needs; use a path");
  EXPECT_EQ(placed({port}, Type::raw_unix, SocketKind::seqpacket),
            "service \"api\": target \"" + port +
                "\" carries bytes alone: no descriptors, no messages, no credentials; use a path");
  EXPECT_EQ(placed({"@api"}, Type::raw_unix, SocketKind::seqpacket), "@api ");
}

TEST(PlannerCarriers, DatagramsNeedAPath) {
  const auto of_datagrams = [](const std::string& target) {
    return placed({target}, Type::raw_unix, SocketKind::datagram);
  };
  EXPECT_EQ(of_datagrams("/run/log"), "/run/log ");
  EXPECT_EQ(of_datagrams("auto"), "/run/pv/services/api.sock /run/api.sock /tmp/api.sock /dev/shm/api.sock ");
  for (const std::string target : {"@log", "fd:log", "tcp:127.0.0.1:80", "connect:/run/log"})
    EXPECT_EQ(of_datagrams(target), "service \"api\": target \"" + target +
                                        "\" is for connections that a shim carries: a lease or a datagram socket "
                                        "needs a path");
}

}  // namespace
}  // namespace xc::plan
