#include "mediate/http_chunk.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "mediate/http_grammar.h"

namespace xc::mediate::http {
namespace {

void skip_blanks(std::string_view& text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
}

bool take_token(std::string_view& text) {
  const auto size = static_cast<std::size_t>(std::ranges::find_if_not(text, is_token_char) - text.begin());
  text.remove_prefix(size);
  return size > 0;
}

/// RFC 9110 5.6.4: qdtext and quoted-pair between double quotes.
bool take_quoted(std::string_view& text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return true;
    }
    if (text[i] == '\\') ++i;
    if (i == text.size() || !is_value_char(text[i])) return false;
  }
  return false;
}

/// *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )
bool are_extensions(std::string_view text) {
  while (!text.empty()) {
    skip_blanks(text);
    if (!text.starts_with(';')) return false;
    text.remove_prefix(1);
    skip_blanks(text);
    if (!take_token(text)) return false;
    std::string_view after = text;
    skip_blanks(after);
    if (!after.starts_with('=')) continue;
    after.remove_prefix(1);
    skip_blanks(after);
    if (after.starts_with('"') ? !take_quoted(after) : !take_token(after)) return false;
    text = after;
  }
  return true;
}

/// Whether the rest of a line may still come. Never after a CR that no LF follows: somebody takes it for a line end.
bool may_begin_line(std::string_view bytes) {
  if (bytes.ends_with('\r')) bytes.remove_suffix(1);
  const auto digits =
      static_cast<std::size_t>(std::ranges::find_if(bytes, [](char c) { return hex_value(c) < 0; }) - bytes.begin());
  const std::string_view more = bytes.substr(digits);
  return more.empty() || (digits > 0 && (is_blank(more.front()) || more.front() == ';') && is_field_value(more));
}

}  // namespace

ChunkLine parse_chunk_line(std::string_view bytes) {
  const ChunkLine bad{ChunkLine::State::bad, 0, 0};
  const std::size_t feed = bytes.substr(0, limits::chunk_line_bytes).find('\n');
  if (feed == bytes.npos) return may_begin_line(bytes) && bytes.size() < limits::chunk_line_bytes ? ChunkLine{} : bad;
  if (feed == 0 || bytes[feed - 1] != '\r') return bad;
  const std::string_view line = bytes.substr(0, feed - 1);
  ChunkLine result{ChunkLine::State::good, feed + 1, 0};
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), result.size, 16);
  const auto digits = static_cast<std::size_t>(end - line.data());
  if (error != std::errc{} || digits == 0 || digits > 16 || result.size > limits::chunk_bytes) return bad;
  return are_extensions(line.substr(digits)) ? result : bad;
}

bool may_be_chunked(std::string_view bytes) {
  for (;;) {
    const ChunkLine line = parse_chunk_line(bytes);
    if (line.state != ChunkLine::State::good) return line.state == ChunkLine::State::incomplete;
    bytes.remove_prefix(line.length);
    if (line.size == 0) break;
    if (bytes.size() <= line.size) return true;
    bytes.remove_prefix(static_cast<std::size_t>(line.size));
    if (!std::string_view("\r\n").starts_with(bytes.substr(0, 2))) return false;
    if (bytes.size() < 2) return true;
    bytes.remove_prefix(2);
  }
  const auto end = HeadFinder(limits::trailer_bytes).find(bytes);
  if (!end || *end == 0) return end.has_value();
  Fields trailers;
  return !parse_fields(bytes.substr(0, *end), trailers);
}

std::string passing_trailers(const Fields& trailers) {
  constexpr std::array<std::string_view, 9> names{"content-digest", "repr-digest",  "digest",
                                                  "content-md5",    "etag",         "server-timing",
                                                  "grpc-status",    "grpc-message", "grpc-status-details-bin"};
  std::string lines;
  for (const Field& field : trailers.all()) {
    if (std::ranges::none_of(names, [&](std::string_view name) { return is_word(trailers.name(field), name); }))
      continue;
    lines.append(trailers.name(field)).append(": ").append(trailers.value(field)).append("\r\n");
  }
  return lines;
}

std::string chunk_line(std::uint64_t size) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), size, 16).ptr;
  return std::string(digits.data(), end) + "\r\n";
}

}  // namespace xc::mediate::http
