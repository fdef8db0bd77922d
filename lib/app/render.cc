#include "app/render.h"

#include "app/doctor.h"
#include "parse/schema_page.h"
#include "reader/reader.h"

namespace xc::app {
namespace {

/// What is not there is a mistake on the command line, as it is of `check`.
Result<std::string> read_named(const std::string& file) {
  auto text = read_at(file);
  if (!text) text.error().kind = Kind::usage;
  return text;
}

}  // namespace

Result<std::string> render(const std::string& args, const std::string& form) {
  model::Rendering rendering;
  rendering.args = XC_TRY(read_named(args));
  rendering.args_name = args;
  rendering.form_name = form.empty() ? "the usual template" : form;
  if (!form.empty()) rendering.form = XC_TRY(read_named(form));
  auto reader = XC_TRY(reader::Reader::start());
  return XC_TRY(reader.render(rendering)).text;
}

Result<model::SchemaPage> schema_page(const std::string& file) {
  const std::string text = XC_TRY(read_at(file));
  return parse::parse_schema_page(text, file);  // our own, on a build machine
}

Result<std::string> text_of(const std::string& file) {
  return read_at(file);
}

}  // namespace xc::app
