// Places in a JSON document; the tree itself is built in json_build.cc.
#include "parse/json_view.h"

#include "base/text.h"

namespace xc::parse {
namespace {

/// One step of a JSON pointer: '~' and '/' escaped (RFC 6901), then made printable, because keys are hostile too.
std::string pointer_step(std::string_view key) {
  std::string escaped;
  for (const char c : key) {
    if (c == '~') {
      escaped += "~0";
    } else if (c == '/') {
      escaped += "~1";
    } else {
      escaped += c;
    }
  }
  return "/" + text::printable(escaped, 64);
}

}  // namespace

View Document::root() const {
  return {*this, 0};
}

std::optional<View> View::find(std::string_view name) const {
  if (!is(Form::object)) return std::nullopt;
  for (const std::uint32_t child : node().children)
    if (document_->nodes_[child].name == name) return View(*document_, child);
  return std::nullopt;
}

std::vector<View> View::children() const {
  std::vector<View> all;
  for (const std::uint32_t child : node().children) all.push_back(View(*document_, child));
  return all;
}

std::string View::where() const {
  std::string pointer;
  for (std::uint32_t at = index_; at != 0; at = document_->nodes_[at].parent) {
    const Document::Node& here = document_->nodes_[at];
    const bool in_list = document_->nodes_[here.parent].form == Form::list;
    pointer.insert(0, in_list ? "/" + text::number(here.index) : pointer_step(here.name));
  }
  return pointer.empty() ? document_->file_ : document_->file_ + ": " + pointer;
}

std::unexpected<Error> View::fail(std::string_view sentence) const {
  return xc::fail(Kind::manifest, where() + ": " + std::string(sentence));
}

std::unexpected<Error> View::expected(std::string_view what) const {
  return fail("expected " + std::string(what) + ", found " + found());
}

std::string View::found() const {
  switch (form()) {
    case Form::null: return "null";
    case Form::boolean: return flag() ? "true" : "false";
    case Form::number: return "a number (" + text::printable(text(), 40) + ")";
    case Form::string: return "a string (\"" + text::printable(text(), 40) + "\")";
    case Form::list: return node().children.empty() ? "an empty list" : "a list";
    case Form::object: return node().children.empty() ? "an empty object" : "an object";
  }
  return "?";
}

}  // namespace xc::parse
