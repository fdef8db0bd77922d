#include "parse/render.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/text.h"
#include "parse/json_view.h"
#include "parse/manifest.h"

namespace xc::parse {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view opening = "${args.";
constexpr std::string_view usual_template = R"({
  "#spec": "service-manifest-run@1",
  "status_goal": "${args.PV_STATUS_GOAL}",
  "restart_policy": "${args.PV_RESTART_POLICY}",
  "roles": "${args.PV_ROLES}"
})";

/// One place of a template: the key, and what stands there when args.json does not have it.
struct Place {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string key;
  std::optional<std::string> otherwise;
};

std::optional<Place> next_place(std::string_view text, std::size_t from) {
  Place place;
  place.begin = text.find(opening, from);
  if (place.begin == std::string_view::npos) return std::nullopt;
  const std::size_t inside = place.begin + opening.size();
  const std::size_t closing = text.find('}', inside);
  if (closing == std::string_view::npos) return std::nullopt;
  place.end = closing + 1;
  const std::string_view words = text.substr(inside, closing - inside);
  const std::size_t dash = words.find(":-");
  place.key = words.substr(0, dash);
  if (dash != std::string_view::npos) place.otherwise = words.substr(dash + 2);
  return place;
}

class Filling {
 public:
  Filling(const Json& args, std::string file) : args_(args), file_(std::move(file)) {}

  /// False: the value has no content, and goes with what holds it.
  Result<bool> fill(Json& value) {
    if (value.is_string()) return fill_string(value);
    if (!value.is_structured()) return true;
    Json kept = value.is_object() ? Json::object() : Json::array();
    for (auto& [key, member] : value.items()) {
      if (!XC_TRY(fill(member))) continue;
      if (value.is_object())
        kept[key] = std::move(member);
      else
        kept.push_back(std::move(member));
    }
    value = std::move(kept);
    return true;
  }

 private:
  Result<bool> fill_string(Json& value) {
    const std::string text = value.get<std::string>();
    auto place = next_place(text, 0);
    if (!place) return true;
    if (place->begin == 0 && place->end == text.size()) {
      if (const auto found = args_.find(place->key); found != args_.end())
        value = *found;
      else if (place->otherwise)
        value = *place->otherwise;
      else
        return false;
      return true;
    }
    std::string filled;
    std::size_t done = 0;
    for (; place; place = next_place(text, done)) {
      filled += text.substr(done, place->begin - done) + XC_TRY(words_of(*place));
      done = place->end;
    }
    value = filled + text.substr(done);
    return true;
  }
  Result<std::string> words_of(const Place& place) {
    const auto found = args_.find(place.key);
    if (found == args_.end() && place.otherwise) return *place.otherwise;
    if (found == args_.end())
      return fail(Kind::manifest,
                  file_ + ": has no " + text::quoted(place.key) + ", which the template puts into text");
    if (found->is_structured())
      return fail(Kind::manifest,
                  file_ + ": " + text::quoted(place.key) + " is no text, and the template puts it into some");
    return found->is_string() ? found->get<std::string>() : found->dump();
  }

  const Json& args_;
  std::string file_;
};

/// Json of text that our own parser has taken, so that both mean the same; objects only.
Result<Json> read_object(const std::string& text, const std::string& file) {
  const Document document = XC_TRY(Document::parse(text, file, manifest_limits));
  if (!document.root().is(Form::object)) return document.root().expected("an object");
  return Json::parse(text, nullptr, false);
}

void add_services(const Json& args, Json& run) {
  for (const auto& [key, list] :
       {std::pair{"PV_SERVICES_REQUIRED", "required"}, std::pair{"PV_SERVICES_OPTIONAL", "optional"}}) {
    if (!args.contains(key)) continue;
    if (!run.contains("services")) run["services"] = Json::object();
    if (run["services"].is_object() && !run["services"].contains(list)) run["services"][list] = args[key];
  }
}

}  // namespace

Result<model::Rendered> render_run(const model::Rendering& rendering) {
  XC_CHECK(parse_args(rendering.args, rendering.args_name));
  const Json args = XC_TRY(read_object(rendering.args, rendering.args_name));
  Json run =
      XC_TRY(read_object(rendering.form.empty() ? std::string(usual_template) : rendering.form, rendering.form_name));
  XC_CHECK(Filling(args, rendering.args_name).fill(run));
  add_services(args, run);
  model::Rendered rendered{run.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"};
  XC_CHECK(parse_run(rendered.text, "the run.json made of " + rendering.args_name));
  return rendered;
}

}  // namespace xc::parse
