#include "mediate/http_head.h"

#include <algorithm>

#include "mediate/http_grammar.h"

namespace xc::mediate::http {
namespace {

struct Entry {
  std::string_view name;
  Known known;
};
constexpr std::array<Entry, 18> known_names{{{"host", Known::host},
                                             {"content-length", Known::content_length},
                                             {"transfer-encoding", Known::transfer_encoding},
                                             {"connection", Known::connection},
                                             {"upgrade", Known::upgrade},
                                             {"expect", Known::expect},
                                             {"accept", Known::accept},
                                             {"prefer", Known::prefer},
                                             {"keep-alive", Known::hop},
                                             {"proxy-connection", Known::hop},
                                             {"te", Known::hop},
                                             {"trailer", Known::hop},
                                             {"http2-settings", Known::hop},
                                             {"x-http-method-override", Known::override},
                                             {"x-http-method", Known::override},
                                             {"x-method-override", Known::override},
                                             {"x-original-url", Known::override},
                                             {"x-rewrite-url", Known::override}}};

/// Servers that hand fields to programs (CGI, WSGI, PHP) fold case and punctuation: X_PV.Client is HTTP_X_PV_CLIENT
/// there. So names are compared after the same folding.
char canonical(char c) {
  return detail::is_alnum(static_cast<unsigned char>(c)) ? lower(c) : '-';
}

bool folds_to(std::string_view name, std::string_view folded) {
  return std::equal(name.begin(), name.end(), folded.begin(), folded.end(),
                    [](char a, char b) { return canonical(a) == b; });
}

Known classify(std::string_view name) {
  constexpr std::string_view reserved = "x-pv-";
  if (name.size() >= reserved.size() && folds_to(name.substr(0, reserved.size()), reserved)) return Known::reserved;
  const char first = canonical(name.front());
  for (const Entry& entry : known_names)
    if (entry.name.size() == name.size() && entry.name.front() == first && folds_to(name, entry.name))
      return entry.known;
  return Known::other;
}

/// A name that only begins like one that frames is taken for it by some parsers (http_parser 2.9.4 and the servers made
/// with it stop comparing where "Transfer-Encoding" ends).
bool begins_like_framing(std::string_view name) {
  constexpr std::string_view coding = "transfer-encoding";
  constexpr std::string_view length = "content-length";
  return folds_to(name.substr(0, coding.size()), coding) || folds_to(name.substr(0, length.size()), length);
}

/// Fields with which two readers of different folding would disagree about where the message ends or whom it is for.
bool is_critical(Known known) {
  return known == Known::host || known == Known::content_length || known == Known::transfer_encoding ||
         known == Known::connection || known == Known::upgrade || known == Known::expect;
}

bool has_alias_mark(std::string_view name) {
  return std::ranges::any_of(name, [](char c) { return c != '-' && !detail::is_alnum(static_cast<unsigned char>(c)); });
}

/// The field line at `at`, which moves to the next line. One pass: a name ends at its first character that is no tchar,
/// a value at its first that may not stand in one, and there must follow what the grammar says.
std::optional<Refusal> parse_field(std::string_view bytes, std::size_t& at, Fields& fields) {
  const std::size_t start = at;
  while (at < bytes.size() && is_token_char(bytes[at])) ++at;
  const std::string_view name = bytes.substr(start, at - start);
  if (name.empty() && is_blank(bytes[at])) return Refusal{400, "a field line is folded (obs-fold)"};
  if (name.empty() || at == bytes.size() || bytes[at] != ':')
    return Refusal{400, "a field line is not a token followed by a colon"};
  std::size_t from = ++at;
  while (at < bytes.size() && is_value_char(bytes[at])) ++at;
  if (!bytes.substr(at).starts_with("\r\n")) return Refusal{400, "a field value has a control character"};
  std::size_t end = at;
  at += 2;
  while (from < end && is_blank(bytes[from])) ++from;
  while (end > from && is_blank(bytes[end - 1])) --end;
  const Known known = classify(name);
  const bool alias = known == Known::other ? begins_like_framing(name) : is_critical(known) && has_alias_mark(name);
  if (alias) return Refusal{400, "a field name passes for one that frames or routes the message"};
  const auto place = [](std::size_t value) { return static_cast<std::uint16_t>(value); };
  if (!fields.add({place(start), place(name.size()), place(from), place(end - from), known, true}))
    return Refusal{431, "too many fields"};
  return std::nullopt;
}

/// "HTTP/1.0" or "HTTP/1.1"; exactly, because the name is case-sensitive and has one digit each (RFC 9112 2.3).
std::optional<Refusal> parse_version(std::string_view text, bool& old) {
  constexpr std::string_view name = "HTTP/";
  if (text.size() != 8 || !text.starts_with(name) || !is_digit(text[5]) || text[6] != '.' || !is_digit(text[7]))
    return Refusal{400, "the start line names no HTTP version"};
  if (text[5] != '1' || text[7] > '1') return Refusal{505, "only HTTP/1.0 and HTTP/1.1 are spoken here"};
  old = text[7] == '0';
  return std::nullopt;
}

std::string_view take_line(std::string_view& bytes) {
  const std::size_t end = bytes.find("\r\n");
  const std::string_view line = bytes.substr(0, end);
  bytes = end == bytes.npos ? std::string_view{} : bytes.substr(end + 2);
  return line;
}

std::optional<Refusal> parse_status_line(std::string_view line, ResponseHead& head) {
  if (auto refusal = parse_version(line.substr(0, 8), head.old)) return refusal;
  const std::string_view rest = line.substr(8);
  if (rest.size() < 4 || rest[0] != ' ' || !std::ranges::all_of(rest.substr(1, 3), is_digit))
    return Refusal{502, "the status line has no status of three digits"};
  head.status = static_cast<unsigned>((rest[1] - '0') * 100 + (rest[2] - '0') * 10 + (rest[3] - '0'));
  if (head.status < 100 || head.status > 599) return Refusal{502, "the status is not between 100 and 599"};
  if (rest.size() > 4 && rest[4] != ' ') return Refusal{502, "the status line has no space after the status"};
  head.reason = rest.size() > 5 ? rest.substr(5) : std::string_view{};
  if (!is_field_value(head.reason)) return Refusal{502, "the reason phrase has a control character"};
  return std::nullopt;
}

}  // namespace

bool Fields::add(const Field& field) {
  if (count_ == items_.size()) return false;
  items_[count_++] = field;
  return true;
}

/// Somebody takes a CR alone for a line end. Whoever means it sends no LF, and would be waited for in vain.
std::expected<std::size_t, Refusal> HeadFinder::find(std::string_view data) {
  const std::unexpected bare_cr(Refusal{400, "a line has a bare CR"});
  for (;;) {
    const std::size_t feed = data.find('\n', seen_);
    if (feed == data.npos) break;
    if (feed == line_ || data[feed - 1] != '\r') return std::unexpected(Refusal{400, "a line ends with a bare LF"});
    if (data.substr(line_, feed - 1 - line_).contains('\r')) return bare_cr;
    if (feed >= limit_) return std::unexpected(Refusal{431, "the head is too long"});
    const bool empty = feed == line_ + 1;
    if (line_ == 0) first_ = feed - 1;
    line_ = seen_ = feed + 1;
    if (empty) return line_;
  }
  const std::size_t cr = data.find('\r', seen_ > line_ ? seen_ - 1 : line_);
  if (cr != data.npos && cr + 1 < data.size()) return bare_cr;
  seen_ = data.size();
  if (seen_ >= limit_) return std::unexpected(Refusal{431, "the head is too long"});
  return 0;
}

std::optional<Refusal> parse_request_line(std::string_view line, RequestHead& head) {
  const std::size_t first = line.find(' ');
  if (first == line.npos || !is_token(line.substr(0, first)) || first > limits::method_bytes)
    return Refusal{400, "the request line begins with no method"};
  head.method = line.substr(0, first);
  const std::size_t second = line.find(' ', first + 1);
  if (second == line.npos) return Refusal{400, "the request line names no HTTP version"};
  head.target = line.substr(first + 1, second - first - 1);
  if (head.target.size() > limits::target_bytes) return Refusal{414, "the request target is too long"};
  if (head.target.empty()) return Refusal{400, "the request line has no target"};
  return parse_version(line.substr(second + 1), head.old);
}

std::optional<Refusal> parse_request(std::string_view bytes, RequestHead& head) {
  if (auto refusal = parse_request_line(take_line(bytes), head)) return refusal;
  return parse_fields(bytes, head.fields);
}

std::optional<Refusal> parse_response(std::string_view bytes, ResponseHead& head) {
  if (auto refusal = parse_status_line(take_line(bytes), head)) return refusal;
  return parse_fields(bytes, head.fields);
}

std::optional<Refusal> parse_fields(std::string_view bytes, Fields& fields) {
  static_assert(limits::head_bytes <= UINT16_MAX && limits::trailer_bytes <= UINT16_MAX);
  fields.begin(bytes);
  std::size_t at = 0;
  while (at < bytes.size() && !bytes.substr(at).starts_with("\r\n"))
    if (auto refusal = parse_field(bytes, at, fields)) return refusal;
  return std::nullopt;
}

}  // namespace xc::mediate::http
