// Reads how engines are told to call hooks, for xc-inject doctor. Runs in the reader's child. Decides nothing: whether
// a registration works is the question of advice/.
#pragma once

#include <string_view>

#include "base/result.h"
#include "model/hooks.h"

namespace xc::parse {

/// Every hook of a bundle's config.json, in the order in which stages come.
[[nodiscard]] Result<model::OciHooks> parse_oci_hooks(std::string_view text, std::string_view file);

/// A file of hooks.d, as oci-hooks(5) says; an error where podman would fail every container.
[[nodiscard]] Result<model::HooksFile> parse_hooks_file(std::string_view text, std::string_view file);

}  // namespace xc::parse
