// Heads written anew from their parts, so that what leaves is exactly what was understood. Runs in the worker; must
// never write a byte that no parser of ours has seen as what it is.
#pragma once

#include <optional>
#include <string_view>

#include "mediate/http_meaning.h"
#include "mediate/http_path.h"
#include "mediate/stream.h"

namespace xc::mediate::http {

/// Always HTTP/1.1, with Host first and `identity` (whole field lines) next. `last`: ask the provider to close after
/// it. `overrides`: let fields pass that name another method or path.
struct RequestParts {
  const RequestHead& head;
  const Meaning& meaning;
  const Target& target;
  std::string_view identity;
  bool last = false;
  bool overrides = true;
};
void append_request(Stream& to, const RequestParts& parts);

/// How the body of a response is announced.
enum class Framing : std::uint8_t { none, length, chunked };
/// What a response says about its connection.
enum class Persist : std::uint8_t { silent, close, keep_alive, upgrade };

/// Always HTTP/1.1. `Framing::length` writes the Content-Length of `meaning` if there is one.
void append_response(Stream& to, const ResponseHead& head, const Meaning& meaning, Framing framing, Persist persist);

}  // namespace xc::mediate::http
