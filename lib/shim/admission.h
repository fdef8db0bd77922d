// Whom a link serves: a name that others can reach as well is answered only to those it was made for. Runs in the
// monitor; asks the kernel about a client and reads no byte of it.
#pragma once

#include <optional>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "model/link.h"
#include "shim/door.h"
#include "sys/parent_dir.h"

namespace xc::shim {

/// What a mediator without a container asks of its clients; nothing asked, nothing checked.
struct Admission {
  std::vector<uid_t> uids;          ///< one of these; empty = any
  std::optional<sys::FileId> root;  ///< this root directory, as of a program that has chrooted
  [[nodiscard]] bool open() const { return uids.empty() && !root; }
};

/// A path lies in the container's own file system; an abstract name can be reached by everybody in its network
/// namespace, so there the client itself must live in the container, whatever its uid or root directory (R22).
/// Kind::policy when it does not, or is none of those that street.admission names.
[[nodiscard]] Result<> check_client(const model::Link& link, const Street& street, const Fd& client);

/// Whether check_client() asks anything of this link's clients.
[[nodiscard]] bool asks_who_knocks(const model::Link& link, const Street& street);

}  // namespace xc::shim
