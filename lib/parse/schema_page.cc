#include "parse/schema_page.h"

#include "parse/json_view.h"

namespace xc::parse {
namespace {

std::string text_of(View view, std::string_view key) {
  const auto member = view.find(key);
  return member && member->is(Form::string) ? member->text() : "";
}

/// The name of what `view` refers to: "requirement" of "run.schema.json#/$defs/requirement".
std::string referred(View view) {
  const std::string target = text_of(view, "$ref");
  const auto slash = target.rfind("/$defs/");
  return slash == std::string::npos ? "" : target.substr(slash + 7);
}

std::string joined(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

/// Schemas nest by keywords; only names of keys, and lists, are worth showing.
void walk(View view, const std::string& path, model::SchemaPage& page) {
  for (const View& child : view.children()) {
    if (child.name() == "properties" && child.is(Form::object)) {
      for (const View& key : child.children()) {
        const std::string name = joined(path, key.name());
        std::string text = text_of(key, "description");
        if (text.empty() && !referred(key).empty()) text = "See <" + referred(key) + ">.";
        const auto items = key.find("items");
        if (text.empty() && items && !referred(*items).empty()) text = "A list of <" + referred(*items) + ">.";
        if (!text.empty()) page.keys.push_back({name, text});
        walk(key, name, page);
      }
    } else if (child.name() == "$defs" && child.is(Form::object)) {
      for (const View& definition : child.children()) {
        const std::string name = "<" + definition.name() + ">";
        const std::string text = text_of(definition, "description");
        if (!text.empty()) page.keys.push_back({name, text});
        walk(definition, name, page);
      }
    } else if (child.is(Form::object) || child.is(Form::list)) {
      walk(child, child.name() == "items" ? path + "[]" : path, page);
    }
  }
}

}  // namespace

Result<model::SchemaPage> parse_schema_page(std::string_view text, std::string_view file) {
  const Document document = XC_TRY(Document::parse(text, file, engine_limits));
  model::SchemaPage page{text_of(document.root(), "title"), text_of(document.root(), "description"), {}};
  if (page.title.empty()) return document.root().expected("a schema with \"title\"");
  walk(document.root(), "", page);
  return page;
}

}  // namespace xc::parse
