// Who offers what at this moment, for plans and for the shim's door.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/plan.h"
#include "registry/record.h"
#include "registry/state_dir.h"
#include "sys/proc.h"
#include "sys/process.h"
#include "sys/rooted_dir.h"

namespace xc::registry {

/// What is on offer by living containers (not by the host), with their records in the same order. All or an error:
/// whether a provider is the only one can be told from the whole list alone.
struct Market {
  std::vector<model::Offered> offered;
  std::vector<Record> providers;  ///< providers[i] offers offered[i]; what it offers and asks for is left out here
};
/// Is a service of that name looked for? An image offers whatever it likes, and what nobody looks for must weigh on
/// nobody.
using Sought = std::function<bool(const std::string& service)>;
[[nodiscard]] Result<Market> survey(const StateDir& state, const Sought& sought);
/// The same of every service.
[[nodiscard]] Result<Market> survey(const StateDir& state);

/// A provider container held fast: as long as `init` lives, `root` is its root directory.
struct Provider {
  Record record;
  sys::Process init;
  sys::RootedDir root;
};

/// Takes hold of the container a record names. Kind::again when it is not there (any more), or when its root is not the
/// directory its hook saw: its init may have left it since.
[[nodiscard]] Result<Provider> hold(const sys::Proc& proc, const Record& record);
/// Is it still the same life of the same container?
[[nodiscard]] bool is_current(const Provider& provider);

}  // namespace xc::registry
