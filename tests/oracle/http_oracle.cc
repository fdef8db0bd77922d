#include "http_oracle.h"

#include <algorithm>
#include <cctype>
#include <cstdint>

namespace xc::oracle {
namespace {

const std::string token = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
const std::string digits = "0123456789";
const std::string hex = "0123456789abcdefABCDEF";

bool only(std::string_view text, const std::string& allowed) {
  return !text.empty() && text.find_first_not_of(allowed) == text.npos;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

/// One line; false when there is no whole one. A CR or LF that is not their pair is a fault.
bool take_line(std::string_view& bytes, std::string& line, std::string& fault) {
  const std::size_t end = bytes.find("\r\n");
  const std::string_view found = bytes.substr(0, end);
  if (found.find('\n') != found.npos) fault = "bare LF";
  if (end == bytes.npos || !fault.empty()) return false;
  if (found.find('\r') != found.npos) fault = "bare CR";
  line = found;
  bytes.remove_prefix(end + 2);
  return true;
}

/// Field lines up to the empty line; false when they are not complete.
bool take_fields(std::string_view& bytes, std::vector<std::pair<std::string, std::string>>& fields,
                 std::string& fault) {
  std::string line;
  while (fault.empty() && take_line(bytes, line, fault)) {
    if (line.empty()) return true;
    const std::size_t colon = line.find(':');
    if (colon == line.npos || !only(line.substr(0, colon), token)) fault = "field name: " + line;
    for (const char c : line)
      if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) fault = "control character: " + line;
    if (!fault.empty()) return false;
    std::string value = line.substr(colon + 1);
    value.erase(0, std::min(value.find_first_not_of(" \t"), value.size()));
    value.erase(value.find_last_not_of(" \t") + 1);
    fields.emplace_back(line.substr(0, colon), value);
  }
  return false;
}

/// A chunked body with its trailers; false when it is not complete.
bool take_chunks(std::string_view& bytes, Message& message, std::string& fault) {
  std::string line;
  while (fault.empty() && take_line(bytes, line, fault)) {
    const std::string size = line.substr(0, line.find_first_of(" \t;"));
    if (!only(size, hex) || size.size() > 15) {
      fault = "chunk size: " + line;
      return false;
    }
    const std::uint64_t claimed = std::stoull(size, nullptr, 16);
    if (claimed == 0) return take_fields(bytes, message.trailers, fault);
    const bool whole = bytes.size() >= claimed;
    const std::size_t length = whole ? static_cast<std::size_t>(claimed) : bytes.size();
    message.body += bytes.substr(0, length);
    bytes.remove_prefix(length);
    if (!whole) return false;
    if (!std::string_view("\r\n").starts_with(bytes.substr(0, 2))) fault = "no CR LF after a chunk";
    if (bytes.size() < 2) return false;
    bytes.remove_prefix(2);
  }
  return false;
}

/// Content-Length or chunked; nothing when there is neither.
struct Framing {
  std::optional<std::size_t> length;
  bool chunked = false;
};

Framing framing_of(const Message& message, std::string& fault) {
  Framing framing;
  const auto codings = message.values("transfer-encoding");
  const auto lengths = message.values("content-length");
  if (codings.size() + lengths.size() > 1) fault = "more than one framing";
  if (!codings.empty() && lower(codings[0]) != "chunked") fault = "coding " + codings[0];
  framing.chunked = !codings.empty();
  if (!lengths.empty() && fault.empty()) {
    if (!only(lengths[0], digits) || lengths[0].size() > 19)
      fault = "length " + lengths[0];
    else
      framing.length = std::stoull(lengths[0]);
  }
  return framing;
}

void take_body(std::string_view& bytes, Message& message, const Framing& framing, std::string& fault) {
  if (framing.chunked) {
    message.complete = take_chunks(bytes, message, fault);
  } else {
    const std::size_t length = framing.length.value_or(0);
    message.body = bytes.substr(0, length);
    message.complete = message.body.size() == length;
    bytes.remove_prefix(message.body.size());
  }
}

void check_request_line(const std::string& line, std::string& fault) {
  const std::size_t first = line.find(' ');
  const std::size_t second = line.find(' ', first + 1);
  if (first == line.npos || second == line.npos || !only(line.substr(0, first), token) ||
      line.substr(second) != " HTTP/1.1" || second == first + 1)
    fault = "request line: " + line;
  for (const char c : line)
    if (static_cast<unsigned char>(c) <= 0x1f || static_cast<unsigned char>(c) >= 0x7f) fault = "request line: " + line;
}

}  // namespace

std::vector<std::string> Message::values(std::string_view lower_name) const {
  std::vector<std::string> found;
  for (const auto& [name, value] : fields)
    if (lower(name) == lower_name) found.push_back(value);
  return found;
}

Reading read_requests(std::string_view bytes) {
  Reading reading;
  while (!bytes.empty() && reading.fault.empty()) {
    Message message;
    std::string_view rest = bytes;
    if (!take_line(rest, message.start, reading.fault)) break;
    check_request_line(message.start, reading.fault);
    if (!reading.fault.empty() || !take_fields(rest, message.fields, reading.fault)) break;
    if (message.values("host").size() != 1) reading.fault = "not one Host";
    const Framing framing = framing_of(message, reading.fault);
    if (!reading.fault.empty()) break;
    bytes = rest;
    take_body(bytes, message, framing, reading.fault);
    reading.messages.push_back(message);
    if (!message.complete) break;
  }
  reading.rest = bytes;
  return reading;
}

Reading read_responses(std::string_view bytes, const std::vector<std::string>& methods, bool ended) {
  Reading reading;
  std::size_t next = 0;
  while (!bytes.empty() && reading.fault.empty()) {
    Message message;
    std::string_view rest = bytes;
    if (!take_line(rest, message.start, reading.fault)) break;
    if (!message.start.starts_with("HTTP/1.1 ") || message.start.size() < 13 ||
        !only(message.start.substr(9, 3), digits) || message.start[12] != ' ')
      reading.fault = "status line: " + message.start;
    if (!reading.fault.empty() || !take_fields(rest, message.fields, reading.fault)) break;
    const unsigned status = static_cast<unsigned>(std::stoul(message.start.substr(9, 3)));
    Framing framing = framing_of(message, reading.fault);
    if (!reading.fault.empty()) break;
    bytes = rest;
    const std::string method = next < methods.size() ? methods[next] : "?";
    const bool bodyless = status < 200 || status == 204 || status == 304 || method == "HEAD";
    if (bodyless) framing = {0, false};
    if (!bodyless && !framing.chunked && !framing.length) {
      message.body = bytes;
      message.complete = ended;
      bytes = {};
    } else {
      take_body(bytes, message, framing, reading.fault);
    }
    reading.messages.push_back(message);
    if (!message.complete || status == 101) break;
    if (status >= 200) ++next;
  }
  reading.rest = bytes;
  return reading;
}

std::string canonical(std::string_view name) {
  std::string out = lower(name);
  for (char& c : out)
    if (!std::isalnum(static_cast<unsigned char>(c))) c = '-';
  return out;
}

std::string identity_fault(const Reading& reading, std::string_view client, std::string_view role) {
  for (const Message& message : reading.messages) {
    if (message.values("x-pv-client") != std::vector<std::string>{std::string(client)})
      return "client: " + message.start;
    if (message.values("x-pv-role") != std::vector<std::string>{std::string(role)}) return "role: " + message.start;
    const auto reserved = [](const auto& field) { return canonical(field.first).starts_with("x-pv-"); };
    if (std::ranges::count_if(message.fields, reserved) != 2) return "alias: " + message.start;
    if (std::ranges::any_of(message.trailers, reserved)) return "trailer: " + message.start;
  }
  return {};
}

}  // namespace xc::oracle
