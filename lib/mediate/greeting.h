// The first words of a raw connection, by which the provider learns who is calling. Pure; said by the monitor, which
// makes them of what the manifests and the listener say, never of anything the client sent (R23).
#pragma once

#include <string>

#include "model/service.h"

namespace xc::mediate {

/// TLV types in the range that the PROXY protocol leaves to applications (section 2.2.7 of its specification).
inline constexpr unsigned char tlv_client = 0xE0;
inline constexpr unsigned char tlv_role = 0xE1;
inline constexpr unsigned char tlv_service = 0xE2;

/// Bytes to say before anything the client says; on a socket with message boundaries, a message of their own. Empty
/// when the identity travels otherwise.
[[nodiscard]] std::string greeting(model::Identity identity, const std::string& client, const std::string& role,
                                   const std::string& service);

}  // namespace xc::mediate
