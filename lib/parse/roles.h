// Reads what a role may do (spec 2.1): the one vocabulary of services.json, policy and `xc-inject mediate --rules`.
// Strict where the rest of a manifest is lenient: a misspelt restriction must not be ignored, it would grant.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/service.h"
#include "parse/field.h"

namespace xc::parse {

/// The rights of one role, an object of protocols: {"rest": ..., "dbus": ..., "wayland": ..., "unix": ...}. "uid" is
/// who the role is on a bus of the host. Rules without effect become `warnings`, here and below.
[[nodiscard]] Result<model::RoleRules> read_role(View view, std::vector<std::string>& warnings);

/// An object of roles. `key` is what a role's name may look like: `name`, or `pattern` in policy.
[[nodiscard]] Result<std::map<std::string, model::RoleRules>> read_roles(View view, const Word& key,
                                                                         std::vector<std::string>& warnings);

/// Only the value of one protocol, put into otherwise silent rules. Kind::manifest for a type without rules (devices).
[[nodiscard]] Result<model::RoleRules> read_protocol(View view, model::Type type, std::vector<std::string>& warnings);

}  // namespace xc::parse
