#include "parse/graph.h"

#include <charconv>

#include "parse/field.h"
#include "parse/json_view.h"

namespace xc::parse {
namespace {

constexpr std::size_t most_edges = 8192;

Result<> read_text(View edge, std::string_view key, std::string& into) {
  const auto value = edge.find(key);
  if (!value || value->is(Form::null)) return {};
  into = XC_TRY(read_word(*value, word::plain));
  return {};
}

Result<> read_text(View edge, std::string_view key, std::optional<std::string>& into) {
  const auto value = edge.find(key);
  if (value && !value->is(Form::null)) into = XC_TRY(read_word(*value, word::plain));
  return {};
}

/// A whole number, or -1 for "not started yet".
Result<> read_pid(View edge, std::string_view key, std::int64_t& into) {
  const auto value = edge.find(key);
  if (!value || value->is(Form::null)) return {};
  const std::string& digits = value->text();
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), into);
  if (!value->is(Form::number) || read.ec != std::errc{} || read.ptr != digits.data() + digits.size() || into < -1)
    return value->expected("a pid, 0 or -1");
  return {};
}

Result<model::Edge> read_edge(View view) {
  if (!view.is(Form::object)) return view.expected("an object with \"consumer\", \"provider\" and \"name\"");
  model::Edge edge;
  for (const auto& [key, into] :
       {std::pair{"consumer", &edge.consumer}, std::pair{"provider", &edge.provider}, std::pair{"name", &edge.name},
        std::pair{"type", &edge.type}, std::pair{"role", &edge.role}, std::pair{"interface", &edge.interface}})
    XC_CHECK(read_text(view, key, *into));
  XC_CHECK(read_pid(view, "consumer_pid", edge.consumer_pid));
  XC_CHECK(read_pid(view, "provider_pid", edge.provider_pid));
  XC_CHECK(read_text(view, "target", edge.target));
  XC_CHECK(read_text(view, "socket", edge.socket));
  if (const auto uid = view.find("uid"); uid && !uid->is(Form::null))
    edge.uid = static_cast<std::uint32_t>(XC_TRY(read_number(*uid, 0xffff'ffff)));
  if (edge.consumer.empty() || edge.name.empty()) return view.fail("names no consumer, or no service");
  if (edge.interface.empty()) edge.interface = edge.type;
  return edge;
}

}  // namespace

Result<model::Graph> parse_graph(std::string_view text, std::string_view file) {
  const Document document = XC_TRY(Document::parse(text, file, engine_limits));
  model::Graph graph;
  for (const View& edge : XC_TRY(read_list(document.root(), "links", most_edges)))
    graph.edges.push_back(XC_TRY(read_edge(edge)));
  return graph;
}

}  // namespace xc::parse
