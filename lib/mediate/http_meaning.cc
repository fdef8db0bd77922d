#include "mediate/http_meaning.h"

#include "base/text.h"
#include "mediate/http_grammar.h"

namespace xc::mediate::http {
namespace {

std::optional<Refusal> read_length(std::string_view value, Meaning& meaning) {
  if (meaning.length) return Refusal{400, "more than one Content-Length"};
  meaning.length = text::parse_number(value);
  if (!meaning.length || *meaning.length > limits::body_bytes)
    return Refusal{400, "Content-Length is not a plain decimal number"};
  return std::nullopt;
}

std::optional<Refusal> read_coding(std::string_view value, Meaning& meaning) {
  if (meaning.chunked) return Refusal{400, "more than one Transfer-Encoding"};
  if (!is_word(value, "chunked")) return Refusal{501, "Transfer-Encoding is not exactly \"chunked\""};
  meaning.chunked = true;
  return std::nullopt;
}

std::optional<Refusal> read_host(std::string_view value, Meaning& meaning) {
  if (meaning.host) return Refusal{400, "more than one Host"};
  if (!is_host(value)) return Refusal{400, "Host is not one host name"};
  meaning.host = value;
  return std::nullopt;
}

bool frames_or_routes(Known known) {
  return known == Known::host || known == Known::content_length || known == Known::transfer_encoding;
}

/// Options of one Connection field. A field it names is for this hop only and goes (RFC 9110 7.6.1); naming one that
/// frames or routes the message is an attempt to have the next hop delete it.
std::optional<Refusal> read_connection(std::string_view options, Fields& fields, Meaning& meaning, bool& upgrades) {
  std::size_t count = 0;
  while (const auto option = next_element(options)) {
    if (!is_token(*option) || ++count > limits::connection_options)
      return Refusal{400, "Connection is not a short list of tokens"};
    if (is_word(*option, "close")) {
      meaning.close = true;
    } else if (is_word(*option, "keep-alive")) {
      meaning.keep_alive = true;
    } else if (is_word(*option, "upgrade")) {
      upgrades = true;
    } else {
      for (Field& field : fields.all()) {
        if (!is_same_word(fields.name(field), *option)) continue;
        if (frames_or_routes(field.known)) return Refusal{400, "Connection names a field that frames or routes"};
        field.passes = false;
      }
    }
  }
  return std::nullopt;
}

/// RFC 9110 7.8: protocol-name ["/" protocol-version], each a token. HTTP/2 in clear text ("h2c") would carry requests
/// nobody parses here.
std::optional<Refusal> read_upgrade(std::string_view value, Meaning& meaning) {
  if (!meaning.upgrade.empty()) return Refusal{400, "more than one Upgrade"};
  std::string_view list = value;
  bool speaks_http = false;
  while (const auto protocol = next_element(list)) {
    const std::size_t slash = protocol->find('/');
    const std::string_view name = protocol->substr(0, slash);
    if (!is_token(name) || (slash != protocol->npos && !is_token(protocol->substr(slash + 1))))
      return Refusal{400, "Upgrade is not a list of protocols"};
    speaks_http = speaks_http || is_word(name, "http") || is_word(name.substr(0, 2), "h2");
  }
  if (!speaks_http) meaning.upgrade = value;
  return std::nullopt;
}

bool announces_wait(Known known, std::string_view list) {
  while (const auto element = next_element(list)) {
    const std::string_view word = trim(element->substr(0, element->find(';')));
    if (known == Known::accept && is_word(word, "text/event-stream")) return true;
    if (known == Known::prefer && is_word(word.substr(0, 5), "wait=")) return true;
  }
  return false;
}

std::optional<Refusal> read_field(Known known, std::string_view value, Meaning& meaning) {
  switch (known) {
    case Known::host: return read_host(value, meaning);
    case Known::content_length: return read_length(value, meaning);
    case Known::transfer_encoding: return read_coding(value, meaning);
    case Known::upgrade: return read_upgrade(value, meaning);
    case Known::expect:
      if (!is_word(value, "100-continue")) return Refusal{417, "Expect is not 100-continue"};
      meaning.expects = true;
      return std::nullopt;
    case Known::accept:
    case Known::prefer: meaning.patient = meaning.patient || announces_wait(known, value); return std::nullopt;
    case Known::connection:
    case Known::hop:
    case Known::override:
    case Known::reserved:
    case Known::other: return std::nullopt;
  }
  return std::nullopt;
}

bool is_written_anew(Known known) {
  return known != Known::other && known != Known::accept && known != Known::prefer && known != Known::override;
}

}  // namespace

std::optional<Refusal> interpret(Fields& fields, Meaning& meaning) {
  bool upgrades = false;
  for (Field& field : fields.all()) {
    if (field.known == Known::other) continue;
    if (is_written_anew(field.known)) field.passes = false;
    if (field.known == Known::connection) {
      if (auto refusal = read_connection(fields.value(field), fields, meaning, upgrades)) return refusal;
    } else if (auto refusal = read_field(field.known, fields.value(field), meaning)) {
      return refusal;
    }
  }
  if (!upgrades) meaning.upgrade = {};
  if (meaning.chunked && meaning.length) return Refusal{400, "both Transfer-Encoding and Content-Length"};
  return std::nullopt;
}

std::optional<Refusal> check_request(const RequestHead& head, Meaning& meaning) {
  if (head.old) {
    if (meaning.chunked) return Refusal{400, "Transfer-Encoding in HTTP/1.0"};
    meaning.upgrade = {};
    meaning.expects = false;
  } else if (!meaning.host) {
    return Refusal{400, "HTTP/1.1 without Host"};
  }
  return std::nullopt;
}

}  // namespace xc::mediate::http
