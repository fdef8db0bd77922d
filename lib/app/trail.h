// What a container of Pantavisor finds in the files of its device: the revision around its LXC configuration, its own
// manifests there, what the other containers of the revision declare, and the bus that Pantavisor runs for them. Runs
// in the hook; texts are parsed by the reader's child. Must never ask pv-ctrl, which takes a hook for a stranger.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/call.h"
#include "app/inputs.h"
#include "base/result.h"
#include "model/plan.h"
#include "reader/reader.h"

namespace xc::app {

struct Trail {
  std::string directory;  ///< of the container in its revision
  std::optional<model::Manifest> wants;
  std::optional<model::Exports> offers;
  std::string fault;                     ///< of the container's own manifests in the state document; empty = none
  std::vector<model::Offered> declared;  ///< by the other containers of the revision, running or not
  std::optional<model::Offered> bus;     ///< when a container of the revision owns a name there
  std::vector<std::string> warnings;
};

/// The device a container belongs to; absent when `directory` (of its LXC configuration) is not in a revision, which is
/// told by a state document beside it (../.pvr/json), and `options` name no storage. Kind::usage when they name one in
/// which there is no such container.
[[nodiscard]] Result<std::optional<Trail>> read_trail(reader::Reader& reader, const std::string& name,
                                                      const std::string& directory, const HookOptions& options);

/// What no file beside the container's configuration says, the state document may say.
[[nodiscard]] Result<> complete(Manifests& manifests, const Trail& trail, const HookOptions& options);

}  // namespace xc::app
