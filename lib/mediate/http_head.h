// The head of an HTTP/1.x message taken apart: start line and field lines (RFC 9112 sections 2 to 5). Runs in the
// worker; reads bytes of both peers, both hostile. Syntax only: what the fields mean is http_meaning's.
//
// Nothing here copies: the views point into the bytes that were parsed and live as long as they do.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>

#include "mediate/rest_limits.h"

namespace xc::mediate::http {

/// Why a message is not passed on: the status a client gets for it, and a sentence of ours (never bytes of a peer).
struct Refusal {
  unsigned status = 400;
  std::string_view why;
};

/// Fields that decide something here.
enum class Known : std::uint8_t {
  other,
  host,
  content_length,
  transfer_encoding,
  connection,
  upgrade,
  expect,
  accept,
  prefer,
  hop,       ///< meant for the next hop only, and that is us: never passed on
  override,  ///< asks the provider to act on another method or path than the request line's
  reserved,  ///< X-PV-* or what some server reads as that: ours alone to write
};

/// One field line, as places in the bytes it was parsed from: small, because every message clears room for them all.
struct Field {
  std::uint16_t name_at, name_size;    ///< a token
  std::uint16_t value_at, value_size;  ///< trimmed; VCHAR, obs-text, SP and HTAB only
  Known known;
  bool passes;  ///< to be written as it is; false = dropped, or written anew from its meaning
};

class Fields {
 public:
  /// Begins over `bytes`, into which the fields point; at most limits::head_bytes of them.
  void begin(std::string_view bytes) {
    bytes_ = bytes;
    count_ = 0;
  }
  [[nodiscard]] std::span<Field> all() { return std::span(items_).first(count_); }
  [[nodiscard]] std::span<const Field> all() const { return std::span(items_).first(count_); }
  [[nodiscard]] std::string_view name(const Field& field) const {
    return bytes_.substr(field.name_at, field.name_size);
  }
  [[nodiscard]] std::string_view value(const Field& field) const {
    return bytes_.substr(field.value_at, field.value_size);
  }
  /// False when there is no room for one more.
  [[nodiscard]] bool add(const Field& field);

 private:
  std::string_view bytes_;
  std::size_t count_ = 0;
  std::array<Field, limits::head_fields> items_;
};

struct RequestHead {
  std::string_view method;  ///< a token
  std::string_view target;  ///< no blank and no control character; the rest is http_path's
  bool old = false;         ///< HTTP/1.0
  Fields fields;
};

struct ResponseHead {
  unsigned status = 0;  ///< 100 to 599
  std::string_view reason;
  bool old = false;  ///< HTTP/1.0
  Fields fields;
};

/// Finds the empty line that ends a head (or a trailer section), however the bytes arrive. Every line must end with
/// CR LF; a bare LF or CR is refused as soon as it is seen, because somebody takes it for a line end.
class HeadFinder {
 public:
  explicit HeadFinder(std::size_t limit) : limit_(limit) {}
  /// Length of the head at the start of `data`, its empty line included; 0 = not complete. Each call sees the bytes of
  /// the call before, and perhaps more. Refused with 431 above the limit.
  [[nodiscard]] std::expected<std::size_t, Refusal> find(std::string_view data);
  /// The first line that was found, without its CR LF, while the head is not complete; empty = none yet.
  [[nodiscard]] std::string_view first_line(std::string_view data) const { return data.substr(0, first_); }
  void reset() { *this = HeadFinder(limit_); }

 private:
  std::size_t limit_;
  std::size_t line_ = 0;   // where the current line begins
  std::size_t seen_ = 0;   // bytes without a LF that needs looking at
  std::size_t first_ = 0;  // length of the first line
};

/// `method SP target SP HTTP/1.x` (RFC 9112 section 3): method, target and version of `head` are set.
[[nodiscard]] std::optional<Refusal> parse_request_line(std::string_view line, RequestHead& head);

/// A whole request head as HeadFinder measured it.
[[nodiscard]] std::optional<Refusal> parse_request(std::string_view bytes, RequestHead& head);

/// A whole response head as HeadFinder measured it. A missing reason phrase may lack its space.
[[nodiscard]] std::optional<Refusal> parse_response(std::string_view bytes, ResponseHead& head);

/// Field lines up to and including the empty line (RFC 9112 section 5). No obs-fold, no blank before the colon.
[[nodiscard]] std::optional<Refusal> parse_fields(std::string_view bytes, Fields& fields);

}  // namespace xc::mediate::http
