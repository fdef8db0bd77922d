// Reads host policy (/etc/xconnect/policy.d/*.json) and rules of one protocol. Runs in the reader's child and in
// xc-inject. Must never guess: an unknown key is an error here, because ignoring one could widen a right.
#pragma once

#include <string_view>

#include "model/policy.h"
#include "model/service.h"
#include "parse/json_view.h"

namespace xc::parse {

/// One policy document (schemas/policy.schema.json); `present` is set.
[[nodiscard]] Result<model::Policy> parse_policy(std::string_view text, std::string_view file);

/// Rules for a mediator of `type` (schemas/rules.schema.json): the value a role has under the type's name in spec 2.1,
/// or a whole role object that has a member of that name.
[[nodiscard]] Result<model::RoleRules> parse_rules(std::string_view text, std::string_view file, model::Type type);

}  // namespace xc::parse
