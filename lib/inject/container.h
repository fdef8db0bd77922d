// The container a hook works on, held by descriptors before anything is entered (R05). Runs in the hook.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "model/container.h"
#include "sys/namespaces.h"
#include "sys/owner.h"
#include "sys/parent_dir.h"
#include "sys/passage.h"
#include "sys/proc.h"
#include "sys/process.h"
#include "sys/rooted_dir.h"

namespace xc::inject {

struct HeldContainer {
  sys::Process init;
  sys::Namespaces namespaces;
  sys::Owner owner;     ///< its root's uid and gid, as we number them
  sys::RootedDir root;  ///< its root directory, inside its mount namespace
  sys::FileId root_id;
  bool shared_net = false;                ///< it lives in our network namespace
  std::optional<sys::Insiders> insiders;  ///< who can be inside, when it has a user namespace of its own
};

/// Takes hold of the container; afterwards it was alive, so all of it belongs to the same life of the same process.
[[nodiscard]] Result<HeldContainer> hold(const sys::Proc& proc, const model::Container& container);

/// Whether others live in the container's network namespace; not asked where that is the host's.
[[nodiscard]] Result<bool> has_net_neighbours(const sys::Proc& proc, const HeldContainer& held);

}  // namespace xc::inject
