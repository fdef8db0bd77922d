#include "app/render.h"

#include "app/doctor.h"
#include "reader/reader.h"

namespace xc::app {

Result<std::string> render(const std::string& args, const std::string& form) {
  model::Rendering rendering;
  rendering.args = XC_TRY(read_at(args));
  rendering.args_name = args;
  rendering.form_name = form.empty() ? "the usual template" : form;
  if (!form.empty()) rendering.form = XC_TRY(read_at(form));
  auto reader = XC_TRY(reader::Reader::start());
  return XC_TRY(reader.render(rendering)).text;
}

}  // namespace xc::app
