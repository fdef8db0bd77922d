// Reads what Pantavisor keeps about a device: the state of a revision, and who roles are on its bus. Runs in the
// reader's child and in xc-inject.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/revision.h"

namespace xc::parse {

/// .pvr/json: an object whose members are files, JSON files as what they hold. Those called "<container>/run.json" and
/// "<container>/services.json" are read; a fault in one of them is its container's (Member::fault), not the document's.
[[nodiscard]] Result<model::Revision> parse_revision(std::string_view text, std::string_view file);

/// dbus-role-uids.json: {"<role>": <uid>}. Root is nobody's uid.
[[nodiscard]] Result<model::RoleUids> parse_role_uids(std::string_view text, std::string_view file);

}  // namespace xc::parse
