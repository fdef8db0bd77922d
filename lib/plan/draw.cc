#include "plan/draw.h"

#include <map>
#include <set>
#include <vector>

#include "base/json_out.h"
#include "base/table.h"
#include "base/text.h"

namespace xc::plan {
namespace {

std::string with_pid(const std::string& name, std::int64_t pid) {
  if (name == model::graph_host) return "the host";
  return text::printable(name) + (pid > 0 ? " (pid " + text::number(pid) + ")" : " (not running)");
}

std::string end_of(const model::Edge& edge) {
  if (edge.provider.empty()) return "nobody";
  return with_pid(edge.provider, edge.provider_pid) + (edge.socket ? " at " + text::printable(*edge.socket) : "");
}

/// A quoted ID of the DOT language: only the quote and what escapes it are special.
std::string dot_quoted(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : text::printable(name)) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + "\"";
}

std::string json_or_null(const std::optional<std::string>& value) {
  return value ? json_string(*value) : "null";
}

std::string json_of(const model::Edge& edge) {
  std::string out =
      "{\"consumer\":" + json_string(edge.consumer) + ",\"consumer_pid\":" + text::number(edge.consumer_pid);
  out += ",\"provider\":" + json_string(edge.provider) + ",\"provider_pid\":" + text::number(edge.provider_pid);
  out += ",\"name\":" + json_string(edge.name) + ",\"type\":" + json_string(edge.type);
  out += ",\"role\":" + json_string(edge.role) + ",\"interface\":" + json_string(edge.interface);
  out += ",\"target\":" + json_or_null(edge.target) + ",\"socket\":" + json_or_null(edge.socket);
  return out + (edge.uid ? ",\"uid\":" + text::number(*edge.uid) : "") + "}";
}

}  // namespace

std::string draw_tree(const model::Graph& graph) {
  std::map<std::string, std::vector<text::Row>> consumers;
  std::map<std::string, std::int64_t> pids;
  for (const model::Edge& edge : graph.edges) {
    pids[edge.consumer] = edge.consumer_pid;
    consumers[edge.consumer].push_back(
        {text::printable(edge.name), text::printable(edge.type), "as " + text::printable(edge.role),
         "at " + text::printable(edge.target.value_or("(no target)")), "from " + end_of(edge)});
  }
  std::string out;
  for (const auto& [consumer, rows] : consumers)
    out += with_pid(consumer, pids[consumer]) + "\n" + text::table(rows, 2);
  return out.empty() ? "no links\n" : out;
}

std::string draw_dot(const model::Graph& graph) {
  std::string out =
      "digraph xconnect {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans\"];\n  edge [fontname=\"sans\", "
      "fontsize=10];\n";
  std::set<std::string> nodes;
  for (const model::Edge& edge : graph.edges) {
    const std::string provider = edge.provider.empty()                ? "nobody"
                                 : edge.provider == model::graph_host ? "host"
                                                                      : edge.provider;
    if (nodes.insert(provider).second && provider == "host") out += "  \"host\" [shape=component];\n";
    if (nodes.insert(provider + "/").second && provider == "nobody") out += "  \"nobody\" [style=dashed];\n";
    out += "  " + dot_quoted(edge.consumer) + " -> " + dot_quoted(provider) +
           " [label=" + dot_quoted(edge.name + " (" + edge.type + ", " + edge.role + ")") + "];\n";
  }
  return out + "}\n";
}

std::string draw_json(const model::Graph& graph) {
  std::string out;
  for (const model::Edge& edge : graph.edges) out += (out.empty() ? "" : ",") + json_of(edge);
  return "[" + out + "]\n";
}

}  // namespace xc::plan
