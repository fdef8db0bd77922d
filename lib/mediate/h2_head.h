// The head of an HTTP/2 message between two connections: collected field by field, judged by the parser of HTTP/1
// fields, written anew. Runs in the worker. What no rule of HTTP/1.1 would let pass does not pass here either.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mediate/h2_session.h"
#include "mediate/http_head.h"
#include "mediate/http_meaning.h"
#include "mediate/http_path.h"

namespace xc::mediate::h2 {

/// One block of fields as it arrives. Nothing above the limits of HTTP/1 heads is kept.
class Block {
 public:
  void add(std::string_view name, std::string_view value);
  void clear() { *this = {}; }

  std::string method, path, status;  ///< pseudo-fields; the authority is not ours to believe
  std::string lines;                 ///< the others, as field lines of HTTP/1
  bool too_large = false;
  bool trailers_wanted = false;  ///< "te: trailers", which gRPC insists on
};

struct Request {
  http::Fields fields;
  http::Meaning meaning;
  http::Target target;
};

/// Takes a request's block apart; `request` points into it. The refusal's status is HTTP's.
[[nodiscard]] std::optional<http::Refusal> read_request(Block& block, Request& request);

/// The head for the provider: authority "localhost", the link's identity, everything that may pass.
[[nodiscard]] Lines write_request(const Block& block, const Request& request, std::string_view client,
                                  std::string_view role, bool overrides);

/// The head of a response for the client; empty = it is malformed.
[[nodiscard]] Lines write_response(Block& block, unsigned& status);

/// Trailers that may pass. `of_request`: only the short list of HTTP/1 (http_chunk.h); a response's may have any name
/// that frames, routes and identifies nothing. Nothing when they are malformed.
[[nodiscard]] std::optional<Lines> write_trailers(Block& block, bool of_request);

}  // namespace xc::mediate::h2
