// xc-inject render: args.json and a template -> run.json (parse/render.h). Runs in xc-inject.
#pragma once

#include <string>

#include "base/result.h"

namespace xc::app {

/// The run.json; `form` is the template's file, empty for the usual one.
[[nodiscard]] Result<std::string> render(const std::string& args, const std::string& form);

}  // namespace xc::app
