// D-Bus addresses (specification, "Server Addresses"), as people and their environment write them. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace xc::parse {

/// The first UNIX socket that `address` names, as "/path" or "@name": of the transports only "unix" with "path" or
/// "abstract" is known, and others of a list are passed over. Kind::usage when none is left, or it is no address.
[[nodiscard]] Result<std::string> parse_bus_address(std::string_view address);

}  // namespace xc::parse
