// Variables that tell a program where its links are, for engines that let us set them (precreate). Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/link.h"
#include "model/manifest.h"

namespace xc::plan {

/// What clients of the links' types look for (WAYLAND_DISPLAY, DBUS_SYSTEM_BUS_ADDRESS, DBUS_SESSION_BUS_ADDRESS,
/// VCHAN_DOMAIN), and what the requirements say themselves ("env"), where "{target}" stands for the place of their
/// link. A later link of the same kind does not take a variable from an earlier one; a requirement's own word does.
[[nodiscard]] std::map<std::string, std::string> variables_of(const std::vector<model::Link>& links,
                                                              const model::Manifest& wants);

/// Whether variables_of() the link says where it is.
[[nodiscard]] bool has_variable(const model::Link& link, const model::Manifest& wants);

/// XC_<SERVICE>_<END>: the service in capitals, all but letters and digits as "_".
[[nodiscard]] std::string variable_for(std::string_view service, std::string_view end);

/// The variable in which a container has the token of a link at "tcp:": XC_<SERVICE>_TOKEN.
[[nodiscard]] std::string token_variable(std::string_view service);

/// What may be a token: 16 to 256 visible characters, none of them a blank.
[[nodiscard]] bool is_token(std::string_view token);

}  // namespace xc::plan
