// What a plan refuses besides places: names, counts, addresses, what is not supported yet. Pure.
// One function a rule, one sentence a refusal; the caller puts the manifest's name and the position in front.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/container.h"
#include "model/manifest.h"
#include "model/plan.h"
#include "model/service.h"

namespace xc::plan {

/// Links of one container, over all documents it has (R16).
inline constexpr std::size_t link_limit = 64;
/// A client cannot connect to a longer path by its name: sun_path holds 108 bytes with the NUL (unix(7)).
inline constexpr std::size_t connectable_limit = 107;

/// Role of a display: a lease of a connector instead of the whole card. What follows is the connector.
inline constexpr std::string_view lease_of = "lease:";

/// Whether links of this type can be made. The one list: enabling a protocol is one line in its switch.
[[nodiscard]] bool is_supported(model::Type type);

/// Kind::plant when links of this type are not supported yet.
[[nodiscard]] Result<> check_type(model::Type type);

/// A target "connect:/path" needs an engine that asks our shim about the container's connect(2) calls, at
/// facts.redirector. Kind::plant where it does not.
[[nodiscard]] Result<> check_redirection(std::string_view place, const model::Container& container,
                                         const model::HostFacts& facts);

/// The same for kinds of socket: datagrams have no connection that could be granted, so they are had directly.
[[nodiscard]] Result<> check_socket_kind(model::SocketKind kind, bool direct);

/// The container's name is its identity towards providers: R20.
[[nodiscard]] Result<> check_container(const model::Container& container);

/// Names of service, role and provider (R20; grant::host_name is a provider, too).
[[nodiscard]] Result<> check_requirement(const model::Requirement& wanted);
[[nodiscard]] Result<> check_count(const model::Manifest& manifest);

/// Name and address of one offer, of a container or of the host: a path in canonical form, inside the provider's root;
/// "@name" or "tcp:127.0.0.1:PORT" in its network namespace.
[[nodiscard]] Result<> check_offer(const model::Offer& offer);
/// Each of them, at most 64, and no name twice.
[[nodiscard]] Result<> check_offers(const model::Exports& exports);

/// On a bus, `interface` restricts: one that is not understood must not be ignored. "dbus" is what the predecessor says
/// for none.
[[nodiscard]] Result<> check_interface(const model::Requirement& wanted, model::Type type);

/// An abstract name is visible to everybody in its network namespace: where that is the host's, it needs the
/// manifest's "shared-netns" (spec 3, R22).
[[nodiscard]] Result<> check_abstract(std::string_view address, const model::Requirement& wanted, bool shared_netns);

/// The same for a place in a network namespace that the container shares with others than the host, as members of a pod
/// do: an abstract name or port would be theirs too.
[[nodiscard]] Result<> check_neighbours(std::string_view place, const model::Requirement& wanted, bool net_neighbours);

/// Whether a link may come to lie in the container's network namespace, so that its neighbours there matter.
[[nodiscard]] bool may_need_network(const model::Manifest& wants);

}  // namespace xc::plan
