#include "mediate/h2_head.h"

#include <algorithm>

#include "base/text.h"
#include "mediate/http_chunk.h"
#include "mediate/http_grammar.h"

namespace xc::mediate::h2 {
namespace {

std::string lower(std::string_view name) {
  std::string small(name);
  std::ranges::transform(small, small.begin(), http::lower);
  return small;
}

void append_fields(Lines& lines, const http::Fields& fields, bool overrides) {
  for (const http::Field& field : fields.all())
    if (field.passes && (overrides || field.known != http::Known::override))
      lines.emplace_back(lower(fields.name(field)), fields.value(field));
}

}  // namespace

void Block::add(std::string_view name, std::string_view value) {
  if (too_large) return;
  if (name == ":method") {
    method = value.substr(0, limits::method_bytes + 1);
  } else if (name == ":path") {
    path = value.substr(0, limits::target_bytes + 1);
  } else if (name == ":status") {
    status = value.substr(0, 4);
  } else if (!name.starts_with(':')) {
    too_large = lines.size() + name.size() + value.size() + 4 > limits::head_bytes;
    if (too_large) return;
    trailers_wanted = trailers_wanted || (name == "te" && value == "trailers");
    lines.append(name).append(": ").append(value).append("\r\n");
  }
}

std::optional<http::Refusal> read_request(Block& block, Request& request) {
  if (block.too_large) return http::Refusal{431, "the head is too long"};
  if (block.path.size() > limits::target_bytes) return http::Refusal{414, "the request target is too long"};
  if (!http::is_token(block.method) || block.method.size() > limits::method_bytes)
    return http::Refusal{400, "the request has no method"};
  auto refusal = http::parse_fields(block.lines, request.fields);
  if (!refusal) refusal = http::interpret(request.fields, request.meaning);
  if (!refusal) refusal = http::read_target(block.method, block.path, std::nullopt, request.target);
  return refusal;
}

Lines write_request(const Block& block, const Request& request, std::string_view client, std::string_view role,
                    bool overrides) {
  Lines lines{{":method", block.method},
              {":scheme", "http"},
              {":authority", "localhost"},
              {":path", request.target.path + std::string(request.target.query)},
              {"x-pv-client", std::string(client)},
              {"x-pv-role", std::string(role)}};
  append_fields(lines, request.fields, overrides);
  if (block.trailers_wanted) lines.emplace_back("te", "trailers");
  if (request.meaning.expects) lines.emplace_back("expect", "100-continue");
  if (request.meaning.length) lines.emplace_back("content-length", text::number(*request.meaning.length));
  return lines;
}

Lines write_response(Block& block, unsigned& status) {
  http::Fields fields;
  http::Meaning meaning;
  const auto number = text::parse_number(block.status);
  if (block.too_large || block.status.size() != 3 || !number || *number < 100 || *number > 599) return {};
  if (http::parse_fields(block.lines, fields) || http::interpret(fields, meaning)) return {};
  status = static_cast<unsigned>(*number);
  Lines lines{{":status", block.status}};
  append_fields(lines, fields, true);
  if (meaning.length) lines.emplace_back("content-length", text::number(*meaning.length));
  return lines;
}

std::optional<Lines> write_trailers(Block& block, bool of_request) {
  http::Fields fields;
  http::Meaning meaning;
  if (block.too_large || !block.status.empty() || http::parse_fields(block.lines, fields)) return std::nullopt;
  Lines lines;
  if (!of_request) {
    if (http::interpret(fields, meaning)) return std::nullopt;
    append_fields(lines, fields, true);
    return lines;
  }
  std::string passing = http::passing_trailers(fields);
  http::Fields kept;
  if (http::parse_fields(passing, kept)) return std::nullopt;
  append_fields(lines, kept, true);
  return lines;
}

}  // namespace xc::mediate::h2
