// Reads what a container engine says: the state a hook gets on its standard input, and the bundle's config.json
// (runtime-spec). Runs in the reader's child and in xc-inject. Must never take a key that another reader of the same
// document would take differently.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/container.h"

namespace xc::parse {

/// The state of a container as runc, crun and podman write it. pid is 0 when absent or 0 (crun, stopped containers);
/// of the annotations only ours (io.xconnect.*) are kept.
[[nodiscard]] Result<model::OciState> parse_state(std::string_view text);

/// A bundle's config.json: root, process.env and our annotations. Go's decoder, and so runc, takes keys of any case
/// and of duplicates the last; crun takes the exact key and the first. Both cases are refused here (R07, MAN-05).
[[nodiscard]] Result<model::OciConfig> parse_config(std::string_view text, std::string_view file);

/// Annotations that are kept: ours, by whose hand they came, and whether the container keeps its user's groups.
[[nodiscard]] bool is_kept_annotation(std::string_view key);

}  // namespace xc::parse
