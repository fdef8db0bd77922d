// The one place that decides what a consumer may do: what it asks for, what the provider grants and what the host
// allows, intersected (spec 2, 2.1). Pure: runs in the hook (the planner, when the provider is up) and in the shim's
// monitor (at every connection, because the provider may have come, gone or changed since). Must never read a file.
//
// A refusal is an Error of Kind::policy whose text says who refuses what to whom; the caller puts the place in front.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/link.h"
#include "model/plan.h"
#include "model/policy.h"
#include "model/service.h"

namespace xc::grant {

/// The host's name as a provider, in policy ("provider") and in requirements; no container can have it (R20).
inline constexpr std::string_view host_name = "@host";

/// The provider's name for policy and messages: a container's, or host_name.
[[nodiscard]] std::string_view provider_name(const model::Offered& offered);

/// What host policy allows `consumer` for `wanted`: one grant for each matching policy entry, all of them kept with the
/// provider they are meant for. Without a policy file: one grant, any provider, nothing restricted.
[[nodiscard]] Result<std::vector<model::ProviderGrant>> decide_by_policy(std::string_view consumer,
                                                                         const model::Requirement& wanted,
                                                                         const model::Policy& policy);

/// Those of `offered` the link may use: its service, its provider where it names one, and allowed by its grants.
/// The pointers look into `offered`.
[[nodiscard]] std::vector<const model::Offered*> candidates(const model::Link& link,
                                                            const std::vector<model::Offered>& offered);

/// The provider of a link: a host service goes before a container with a manifest of the host, and that before an
/// image's own offer (R18). Null when nobody offers it; refused when two of the best rank do, so that no start order
/// ever decides who answers.
[[nodiscard]] Result<const model::Offered*> choose(const model::Link& link, const std::vector<model::Offered>& offered);

/// What a link may do with one provider.
struct Effective {
  model::Type type = model::Type::raw_unix;   ///< of the offer
  model::Rights rights;                       ///< host policy, provider, and what the consumer asks for: a layer each
  std::optional<std::uint32_t> uid{};         ///< whom the monitor connects as; absent = itself
  std::optional<model::Identity> identity{};  ///< how a raw provider wants to be told who calls
  bool direct = false;                        ///< the consumer may have the provider's own socket
};

/// Host policy's grants for this provider, and what the provider itself grants the link's role (`allow`, `roles`);
/// for a bus, what the consumer asks of it as well: properties it may set when another layer says that it may.
/// Refused when the offer is of another kind than the link was planned for, and when a role has rules, but for other
/// protocols only (an empty object of the type's own, as in "unix": {}, says that it is meant).
[[nodiscard]] Result<Effective> narrow(const model::Link& planned, const model::Offered& offered);

/// Owner and mode of a device node: the host's word, or else the provider's; nothing when neither speaks of it.
[[nodiscard]] std::optional<model::DeviceRules> device_rules(const model::Rights& rights);

/// Where the offer has its socket for the role: one of "sockets", or the one for all.
[[nodiscard]] const std::string& socket_for(const model::Offer& offer, const std::string& role);

/// The file name of a vchan's socket, as libvchan-socket makes it.
[[nodiscard]] std::string vchan_name(const model::VchanEnds& ends);

/// Where the provider has what the link leads to: socket_for(), and of a vchan the socket in that directory.
[[nodiscard]] std::string address_for(const model::Offer& offer, const model::Link& link);

/// Whether `provider` may publish this offer: an image's own manifest needs a policy entry once there is policy (R18).
[[nodiscard]] Result<> may_offer(std::string_view provider, model::Origin origin, const model::Offer& offer,
                                 const model::Policy& policy);

}  // namespace xc::grant
