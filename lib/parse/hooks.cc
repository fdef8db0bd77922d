#include "parse/hooks.h"

#include "parse/field.h"
#include "parse/json_view.h"

namespace xc::parse {
namespace {

constexpr std::size_t most_hooks = 1024;

Result<std::vector<std::string>> read_strings(View view) {
  std::vector<std::string> all;
  for (const View& element : XC_TRY(read_list(view, "strings", most_hooks))) {
    if (!element.is(Form::string)) return element.expected("a string");
    all.push_back(element.text());
  }
  return all;
}

Result<model::HookCall> read_call(View view, std::string_view stage) {
  if (!view.is(Form::object)) return view.expected("an object with \"path\"");
  model::HookCall call;
  call.stage = stage;
  call.path = XC_TRY(read_key(view, "path", word::plain));
  if (const auto args = view.find("args"); args && !args->is(Form::null)) call.args = XC_TRY(read_strings(*args));
  if (const auto timeout = view.find("timeout"); timeout && !timeout->is(Form::null))
    call.timeout = XC_TRY(read_number(*timeout, 1'000'000));
  return call;
}

Result<> read_when(View when, model::HooksFile& file) {
  for (const View& condition : XC_TRY(read_object(when, "an object of conditions", most_hooks))) {
    file.conditions = true;
    if (condition.name() == "always") file.always = XC_TRY(read_flag(condition));
    if (condition.name() != "annotations") continue;
    for (const View& pattern : XC_TRY(read_object(condition, "an object of patterns", most_hooks))) {
      if (!pattern.is(Form::string)) return pattern.expected("a string");
      file.annotations[pattern.name()] = pattern.text();
    }
  }
  return {};
}

}  // namespace

Result<model::OciHooks> parse_oci_hooks(std::string_view text, std::string_view file) {
  const Document document = XC_TRY(Document::parse(text, file, engine_limits));
  model::OciHooks all;
  const auto hooks = document.root().find("hooks");
  if (!hooks || hooks->is(Form::null)) return all;
  for (const View& stage : XC_TRY(read_object(*hooks, "an object of stages", most_hooks))) {
    if (stage.is(Form::null)) continue;
    for (const View& call : XC_TRY(read_list(stage, "hooks", most_hooks)))
      all.calls.push_back(XC_TRY(read_call(call, stage.name())));
  }
  return all;
}

Result<model::HooksFile> parse_hooks_file(std::string_view text, std::string_view file) {
  const Document document = XC_TRY(Document::parse(text, file, manifest_limits));
  const View root = document.root();
  if (!root.is(Form::object)) return root.expected("an object with \"version\", \"hook\", \"when\" and \"stages\"");
  model::HooksFile read;
  read.version = XC_TRY(read_key(root, "version", word::plain));
  const View hook = XC_TRY(read_member(root, "hook"));
  read.hook = XC_TRY(read_call(hook, ""));
  const View when = XC_TRY(read_member(root, "when"));
  XC_CHECK(read_when(when, read));
  const View stages = XC_TRY(read_member(root, "stages"));
  read.stages = XC_TRY(read_strings(stages));
  return read;
}

}  // namespace xc::parse
