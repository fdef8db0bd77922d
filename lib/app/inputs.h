// Every document a hook needs, read in the order that keeps trust: host policy first, then the engine's words, then the
// manifests, last what the image says of itself (R17, R18). Runs in the hook; texts are parsed by the reader's child.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/call.h"
#include "base/fd.h"
#include "base/result.h"
#include "model/container.h"
#include "model/manifest.h"
#include "model/plan.h"
#include "model/policy.h"
#include "reader/reader.h"
#include "registry/providers.h"
#include "sys/child.h"
#include "sys/rooted_dir.h"

namespace xc::app {

/// A directory of the host; an error, of code ENOENT as well, when it cannot be opened.
[[nodiscard]] Result<Fd> open_host_directory(const std::string& path);

/// The document `name` in the host's directory `directory`, as reader::read_document; nothing when either is not there.
[[nodiscard]] Result<std::optional<std::string>> read_beside(const std::string& directory, const std::string& name,
                                                             std::size_t limit);

/// What the host's administrator wrote below the configuration directory.
struct HostConfig {
  model::Policy policy;
  std::vector<model::Offered> services;
  std::vector<std::string> warnings;
};
/// Below `directory`, which must be there when it is named; empty: /etc/xconnect, if there is one.
[[nodiscard]] Result<HostConfig> read_host_config(reader::Reader& reader, const std::string& directory);

/// The state document of an OCI runtime, to its end (a runtime may die of a hook that does not read it all).
/// Kind::again at the deadline.
[[nodiscard]] Result<std::string> read_standard_input(sys::Deadline deadline);

/// The container an OCI state is about, completed from its bundle's config.json.
[[nodiscard]] Result<model::Container> read_oci_container(reader::Reader& reader, const model::OciState& state);

/// Everything on offer: by containers, in the order of their records, and then by the host.
[[nodiscard]] std::vector<model::Offered> all_offered(std::vector<model::Offered> by_containers,
                                                      const HostConfig& host);

/// The services that `wants`, which outlives it, asks for.
[[nodiscard]] registry::Sought sought_by(const model::Manifest& wants);

/// What a container asks for and offers, from places the host controls.
struct Manifests {
  model::Manifest wants;
  std::optional<model::Exports> offers;  ///< absent: no manifest of the host's says
  bool annotated = false;                ///< an annotation says where `offers` stand
};
[[nodiscard]] Result<Manifests> read_manifests(reader::Reader& reader, const model::Container& container,
                                               const HookOptions& options);

/// /etc/xconnect/services.json of the container's own root; absent when the image brings none.
[[nodiscard]] Result<std::optional<model::Exports>> read_image_offers(reader::Reader& reader,
                                                                      const sys::RootedDir& root,
                                                                      sys::Deadline deadline);

}  // namespace xc::app
