// Documents: whatever is accepted is valid UTF-8 within its limits and every place in it can be named and printed.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/text.h"
#include "parse/json_view.h"

namespace {

using namespace xc;

void walk(parse::View view, const parse::Limits& limits, std::size_t depth) {
  const std::string sentence = view.expected("x").error().text;
  if (text::printable(sentence, sentence.size() + 1) != sentence) std::abort();
  if (depth > limits.depth || view.text().size() > limits.text || !text::is_utf8(view.text())) std::abort();
  const bool outer = view.is(parse::Form::list) || view.is(parse::Form::object);
  const auto children = view.children();
  if (!outer && !children.empty()) std::abort();
  for (const parse::View& child : children) {
    if (view.is(parse::Form::object) && view.find(child.name())->where() != child.where()) std::abort();
    walk(child, limits, depth + 1);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), data == nullptr ? 0 : size);
  if (size > 4096) return 0;  // the walk is quadratic on purpose
  for (const auto& limits : {parse::manifest_limits, parse::engine_limits})
    if (const auto document = parse::Document::parse(text, "f", limits)) walk(document->root(), limits, 0);
  return 0;
}
