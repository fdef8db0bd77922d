// The manifests as parts of a document that was read already. Runs where parse/manifest.h runs; the same rules.
#pragma once

#include "base/result.h"
#include "model/manifest.h"
#include "parse/json_view.h"

namespace xc::parse {

[[nodiscard]] Result<model::Manifest> read_run(View root);
[[nodiscard]] Result<model::Exports> read_services(View root);

}  // namespace xc::parse
