// Makes a run.json of an args.json, as a packaging tool does on a build machine. Runs in the reader's child.
#pragma once

#include "base/result.h"
#include "model/position.h"

namespace xc::parse {

/// The template's text with its places filled: "${args.KEY}" as a whole string becomes the value of that key, and is
/// left out with its member (or element) when args.json has no such key; inside a longer string it becomes text;
/// "${args.KEY:-WORDS}" says what stands there otherwise. The lists PV_SERVICES_REQUIRED and PV_SERVICES_OPTIONAL
/// become services.required and services.optional unless the template has its own. Members keep the template's order.
/// The result is a run.json that parse_run() takes, or an error says what is wrong.
[[nodiscard]] Result<model::Rendered> render_run(const model::Rendering& rendering);

}  // namespace xc::parse
