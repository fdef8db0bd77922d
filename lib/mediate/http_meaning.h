// What the fields of a head mean for its framing and its connection (RFC 9112 sections 3.2, 6 and 9; RFC 9110 7.6, 7.8
// and 10.1.1). Runs in the worker. Whatever two readers could understand in two ways is a refusal, never a choice.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "mediate/http_head.h"

namespace xc::mediate::http {

struct Meaning {
  std::optional<std::uint64_t> length;  ///< Content-Length
  bool chunked = false;                 ///< Transfer-Encoding, of which "chunked" is the only one spoken
  bool close = false;                   ///< Connection: close
  bool keep_alive = false;              ///< Connection: keep-alive
  bool expects = false;                 ///< Expect: 100-continue
  bool patient = false;  ///< announces a long wait: Accept: text/event-stream, or Prefer: wait=n (RFC 7240)
  std::optional<std::string_view> host;
  /// Protocols named by Upgrade, where Connection says so too; empty = no upgrade. HTTP/2 is never among them: a list
  /// that offers it is ignored as a whole.
  std::string_view upgrade;
};

/// Reads `fields`, and marks those that must not be passed on: connection and framing fields, everything reserved, and
/// what Connection names.
[[nodiscard]] std::optional<Refusal> interpret(Fields& fields, Meaning& meaning);

/// The rules for requests only: exactly one Host in HTTP/1.1, no Transfer-Encoding and no upgrade in HTTP/1.0.
[[nodiscard]] std::optional<Refusal> check_request(const RequestHead& head, Meaning& meaning);

}  // namespace xc::mediate::http
