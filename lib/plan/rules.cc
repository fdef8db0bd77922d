// Rules of a plan; pure. See rules.h.
#include "plan/rules.h"

#include <algorithm>
#include <set>
#include <string>

#include "base/text.h"
#include "grant/effective.h"
#include "model/address.h"
#include "plan/places.h"

namespace xc::plan {
namespace {

using text::quoted;

Result<> check_name(std::string_view what, std::string_view name) {
  if (text::is_name(name)) return {};
  return fail(Kind::manifest, std::string(what) + " " + quoted(name) +
                                  " is not a name: expected 1 to 64 of A-Z a-z 0-9 _ . -, not beginning with . or -");
}

/// Bytes are all that a TCP connection carries, and nobody at its other end can be asked who he is.
Result<> check_port(std::string_view what, const model::Offer& offer) {
  XC_CHECK(check_tcp(what, offer.socket));
  const bool bytes = offer.type == model::Type::rest || offer.type == model::Type::raw_unix;
  if (bytes && offer.socket_kind == model::SocketKind::stream && offer.identity != model::Identity::credentials)
    return {};
  return fail(Kind::manifest, std::string(what) + " " + quoted(offer.socket) +
                                  " carries bytes alone: no descriptors, no messages, no credentials; use a path");
}

}  // namespace

bool is_supported(model::Type type) {
  switch (type) {
    case model::Type::raw_unix:
    case model::Type::rest:
    case model::Type::dbus:
    case model::Type::wayland:
    case model::Type::drm:
    case model::Type::input:
    case model::Type::chardev:
    case model::Type::vchan: return true;
    case model::Type::count_: return false;
  }
  return false;
}

Result<> check_type(model::Type type) {
  if (is_supported(type)) return {};
  return fail(Kind::plant, "services of type " + quoted(name_of(type)) + " are not supported yet");
}

Result<> check_socket_kind(model::SocketKind kind, bool direct) {
  if (kind != model::SocketKind::datagram || direct) return {};
  return fail(Kind::plant,
              "a \"dgram\" service must be offered with \"via\": \"direct\": what it answers goes to the client's own "
              "address, which nobody in between can have");
}

Result<> check_container(const model::Container& container) {
  return check_name("container", container.name);
}

Result<> check_requirement(const model::Requirement& wanted) {
  XC_CHECK(check_name("service", wanted.name));
  const bool of_a_connector = wanted.role.starts_with(lease_of);
  XC_CHECK(check_name("role", std::string_view(wanted.role).substr(of_a_connector ? lease_of.size() : 0)));
  if (wanted.provider.empty() || wanted.provider == grant::host_name) return {};
  return check_name("provider", wanted.provider);
}

Result<> check_count(const model::Manifest& manifest) {
  if (manifest.requirements.size() <= link_limit) return {};
  return fail(Kind::manifest,
              text::number(std::uint64_t{manifest.requirements.size()}) + " services are asked for, 64 are the limit");
}

Result<> check_offer(const model::Offer& offer) {
  XC_CHECK(check_name("offered service", offer.name));
  const std::string what = "offered service " + quoted(offer.name) + ": socket";
  if (offer.socket.starts_with('@')) return check_abstract_name(what, offer.socket);
  if (offer.socket.starts_with("tcp:")) return check_port(what, offer);
  if (offer.sockets)
    for (const auto& [role, socket] : *offer.sockets)
      XC_CHECK(
          check_canonical("offered service " + quoted(offer.name) + ": socket of the role " + quoted(role), socket));
  const bool on_a_bus = offer.type == model::Type::dbus && !offer.owns.empty();  // the bus itself is the address
  if (on_a_bus && offer.socket.empty()) return {};
  return check_canonical(what, offer.socket);
}

Result<> check_offers(const model::Exports& exports) {
  if (exports.offers.size() > link_limit)
    return fail(Kind::manifest,
                text::number(std::uint64_t{exports.offers.size()}) + " services are offered, 64 are the limit");
  std::set<std::string_view> names;
  for (const model::Offer& offer : exports.offers) {
    XC_CHECK(check_offer(offer));
    if (!names.insert(offer.name).second)
      return fail(Kind::manifest, "service " + quoted(offer.name) + " is offered twice");
  }
  return {};
}

Result<> check_interface(const model::Requirement& wanted, model::Type type) {
  if (type != model::Type::dbus || wanted.interface.empty() || wanted.dbus) return {};
  if (wanted.interface == name_of(type)) return {};
  return fail(Kind::manifest, "interface " + quoted(wanted.interface) +
                                  " is not a bus name: expected one such as \"org.example.Name\" or \"org.example.*\"");
}

Result<> check_abstract(std::string_view address, const model::Requirement& wanted, bool shared_netns) {
  const bool port = address.starts_with("tcp:");
  if (!(port || address.starts_with('@')) || !shared_netns || wanted.shared_netns) return {};
  if (port)
    return fail(Kind::plant, "port with host network: " + quoted(address) +
                                 " would be reachable by every process of the host; use a path");
  return fail(Kind::plant, "abstract endpoint with host network: " + quoted(address) +
                               " would be visible to every process of the host; use a path, or \"shared-netns\": true");
}

Result<> check_neighbours(std::string_view place, const model::Requirement& wanted, bool net_neighbours) {
  const bool port = place.starts_with("tcp:");
  if (!(port || place.starts_with('@')) || !net_neighbours || wanted.shared_netns) return {};
  return fail(Kind::plant, std::string(port ? "port" : "abstract endpoint") + " with shared network: " + quoted(place) +
                               " would be there for the other containers of that network as well; use a path, or "
                               "\"shared-netns\": true");
}

bool may_need_network(const model::Manifest& wants) {
  const auto is_in_network = [](const std::string& target) {
    return target == "auto" || target.starts_with('@') || target.starts_with("tcp:");
  };
  return std::ranges::any_of(wants.requirements, [&](const model::Requirement& wanted) {
    return wanted.targets.empty() || std::ranges::any_of(wanted.targets, is_in_network);
  });
}

Result<> check_redirection(std::string_view place, const model::Container& container, const model::HostFacts& facts) {
  if (!model::redirected_path(place)) return {};
  const auto refuse = [&](std::string why) {
    return std::unexpected(in_context("target " + quoted(place), Error{Kind::plant, std::move(why), 0}));
  };
  if (container.engine != model::Engine::oci)
    return refuse("needs an engine that asks about system calls as OCI says, and this is " +
                  std::string(name_of(container.engine)) + "; use a path");
  if (facts.redirector.empty() && !facts.known_container) return {};
  if (container.notified.empty())
    return refuse(
        "config.json lets nobody be asked about connect(2): add what `xc-inject hooks print ENGINE --connect NAME` "
        "says, or let podman call xc-precreate");
  if (container.notified != facts.redirector)
    return refuse("linux.seccomp.listenerPath is " + quoted(container.notified) + ", and must be " +
                  quoted(facts.redirector));
  if (facts.redirector.size() > connectable_limit)
    return refuse("the engine cannot connect to " + quoted(facts.redirector) +
                  ", which is longer than 107 bytes: use a shorter state directory");
  return {};
}

}  // namespace xc::plan
