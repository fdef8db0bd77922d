// What xc-inject makes of files while something is built: run.json of args.json and a template (parse/render.h), manual
// pages of schemas. Runs in xc-inject.
#pragma once

#include <string>

#include "base/result.h"
#include "model/schema_page.h"

namespace xc::app {

/// The run.json; `form` is the template's file, empty for the usual one.
[[nodiscard]] Result<std::string> render(const std::string& args, const std::string& form);

/// A schema of ours for its manual page, and a document that is shown there.
[[nodiscard]] Result<model::SchemaPage> schema_page(const std::string& file);
[[nodiscard]] Result<std::string> text_of(const std::string& file);

}  // namespace xc::app
