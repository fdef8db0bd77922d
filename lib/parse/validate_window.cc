// validate() of what only a person's window asks for; see validate.h. Whoever prints it makes it printable.
#include "base/text.h"
#include "parse/validate.h"
#include "parse/words.h"

namespace xc::parse {
namespace {

Result<> demand(bool good, std::string_view what) {
  if (good) return {};
  return fail(Kind::manifest, "the reading process sent back " + std::string(what) + " that no document can have");
}

}  // namespace

Result<> validate(const model::HooksFile& value) {
  return demand(is_plain(value.version) && is_plain(value.hook.path), "a hook");
}

Result<> validate(const model::OciHooks& value) {
  for (const model::HookCall& call : value.calls) XC_CHECK(demand(is_plain(call.path), "a hook"));
  return {};
}

Result<> validate(const model::Graph& value) {
  for (const model::Edge& edge : value.edges) {
    bool plain = true;
    for (const std::string& text : {edge.consumer, edge.provider, edge.name, edge.type, edge.role, edge.interface,
                                    edge.target.value_or(""), edge.socket.value_or("")})
      plain = plain && (text.empty() || is_plain(text));
    XC_CHECK(demand(plain && edge.consumer_pid >= -1 && edge.provider_pid >= -1, "a link"));
  }
  return {};
}

Result<> validate(const model::Position& value) {
  return demand((value.line == 0) == (value.column == 0) && value.width > 0, "a position");
}

Result<> validate(const model::Rendered& value) {
  return demand(text::is_utf8(value.text) && value.text.find('\0') == std::string::npos, "a text");
}

}  // namespace xc::parse
