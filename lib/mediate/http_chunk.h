// The lines of the chunked coding (RFC 9112 section 7.1), strictly. Runs in the worker. Extensions are checked and
// dropped; of trailer fields only a short list passes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mediate/http_head.h"

namespace xc::mediate::http {

/// What stands at the start of some bytes.
struct ChunkLine {
  enum class State : std::uint8_t { incomplete, bad, good };
  State state = State::incomplete;
  std::size_t length = 0;  ///< of the line with its CR LF, when good
  std::uint64_t size = 0;  ///< of the chunk's data; 0 = the last chunk, a trailer section follows
};
[[nodiscard]] ChunkLine parse_chunk_line(std::string_view bytes);

/// False when `bytes`, the beginning of a chunked body, are wrong whatever may follow. Lets a request be refused
/// before anything of it was passed on, when it arrived in one piece.
[[nodiscard]] bool may_be_chunked(std::string_view bytes);

/// Trailer fields (parsed) that may pass, as field lines: checksums, timings and gRPC's status. Everything else is
/// dropped: a server may merge trailers into the head (RFC 9110 6.5.1), where they would frame, route or identify.
[[nodiscard]] std::string passing_trailers(const Fields& trailers);

/// Hexadecimal size line of a chunk, with CR LF.
[[nodiscard]] std::string chunk_line(std::uint64_t size);

}  // namespace xc::mediate::http
