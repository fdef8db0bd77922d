// A granted connection between one consumer and one service, as the shim needs it. Structs only.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/address.h"
#include "model/rights.h"
#include "model/service.h"

namespace xc::model {

/// Bounds of one link; every one of them is enforced by the shim (R27).
struct Limits {
  std::uint32_t connections = 100;  ///< at the same time; more wait in the listener's backlog
  std::uint32_t respawns = 10;      ///< of a crashed worker within a minute, then the link closes
};
template <class A>
void fields(A& a, Limits& l) {
  a("connections", l.connections);
  a("respawns", l.respawns);
}

/// A place that a link might have had, and why it has another.
struct Attempt {
  std::string place;
  std::string reason;
};
template <class A>
void fields(A& a, Attempt& t) {
  a("place", t.place);
  a("reason", t.reason);
}

/// One link of one consumer.
struct Link {
  std::string service;
  std::string role;
  std::string target;                ///< where it appears in the container; until it is there, the first of `places`
  std::vector<std::string> places;   ///< where it may appear, tried in order: "/path" or "@name"
  bool padded = false;               ///< of an abstract name: filled up to all of sun_path
  std::vector<Attempt> passed_over;  ///< places before `target`, and those that were never in question
  bool required = true;
  std::string provider;  ///< only this provider (by name, "@host" for the host); empty = whoever offers the service
  std::string address;   ///< a fixed provider address on the host; empty = the registry decides at each connection
  Type type = Type::raw_unix;  ///< what the consumer was planned for; the provider's offer must agree, unless
  bool type_assumed = false;   ///< nobody had declared the service: the offer decides at each connection
  SocketKind socket_kind = SocketKind::stream;
  std::vector<ProviderGrant> grants;  ///< what host policy leaves of the role; the provider's rules narrow it further
  std::optional<VchanEnds> vchan{};   ///< which vchan; the provider's offer must agree
  std::optional<DbusRules> asks;      ///< what the consumer itself wants of a bus; nothing more is granted
  Limits limits;
  std::string token{};             ///< of a place "tcp:": what clients of a protocol that can say it must say
  bool direct = false;             ///< the provider's own socket is shown, as far as is known; the offer decides
  bool render_node = false;        ///< the consumer also has a GPU: a Wayland role may show what is of use with one
  std::optional<Device> device{};  ///< what a device is, even where its node is not known
};
template <class A>
void fields(A& a, Link& l) {
  a("service", l.service);
  a("role", l.role);
  a("target", l.target);
  a("places", l.places);
  a("padded", l.padded);
  a("passed-over", l.passed_over);
  a("required", l.required);
  a("provider", l.provider);
  a("address", l.address);
  a("type", l.type);
  a("type-assumed", l.type_assumed);
  a("socket-type", l.socket_kind);
  a("grants", l.grants);
  a("vchan", l.vchan);
  a("asks", l.asks);
  a("limits", l.limits);
  a("token", l.token);
  a("direct", l.direct);
  a("render-node", l.render_node);
  a("device", l.device);
}

/// Nobody can stand between the ends of a datagram: such a link is direct or nothing.
[[nodiscard]] inline bool is_of_datagrams(const Link& link) {
  return link.socket_kind == SocketKind::datagram;
}

/// One of its places is "connect:/path".
[[nodiscard]] inline bool may_be_redirected(const Link& link) {
  return std::ranges::any_of(link.places, [](const auto& one) { return redirected_path(one).has_value(); });
}

/// One of its places is "tcp:127.0.0.1:PORT".
[[nodiscard]] inline bool may_be_a_port(const Link& link) {
  return std::ranges::any_of(link.places, [](const auto& one) { return port_of(one).has_value(); });
}

/// A device of which a lease is handed out, over a socket.
[[nodiscard]] inline bool is_lease(const Link& link) {
  return is_device(link.type) && link.device && link.device->connector;
}

/// A device whose node itself appears in the container. Every other link is a socket, that of a lease too.
[[nodiscard]] inline bool is_node(const Link& link) {
  return is_device(link.type) && !is_lease(link);
}

}  // namespace xc::model
