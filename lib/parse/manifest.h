// Reads what containers ask for and offer, in the formats of the predecessor with our additions (spec 2, schemas/).
// Runs in the reader's child and in xc-inject. Decides nothing: whether a target is acceptable is the planner's.
//
// Unknown keys are ignored, with a warning where one was likely meant to be known; a known key of a wrong type or form,
// and a "#spec" of another kind of document, is an error (Kind::manifest) that names file, JSON pointer, what was found
// and what was expected.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/manifest.h"

namespace xc::parse {

/// What a document says it is. An error when it is not JSON.
[[nodiscard]] Result<model::Label> parse_label(std::string_view text, std::string_view file);

/// run.json: "services": {"required": [...], "optional": [...]}.
[[nodiscard]] Result<model::Manifest> parse_run(std::string_view text, std::string_view file);

/// args.json: PV_SERVICES_REQUIRED, PV_SERVICES_OPTIONAL.
[[nodiscard]] Result<model::Manifest> parse_args(std::string_view text, std::string_view file);

/// services.json: {"services": [...]}, or the bare list of older ones. An offer of a type we do not know, and a role
/// whose grant is refined in ways we do not know, are left out with a warning.
[[nodiscard]] Result<model::Exports> parse_services(std::string_view text, std::string_view file);

/// io.xconnect.require.<service> = <target>[;role=R][;optional][;provider=P], io.xconnect.run, io.xconnect.services.
/// Other keys are none of ours; an io.xconnect key that is not known gives a warning.
[[nodiscard]] Result<model::Annotated> parse_annotations(const std::map<std::string, std::string>& annotations);

}  // namespace xc::parse
