// Every number of the REST mediator, in one place. Constants only.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace xc::mediate::limits {

// Sizes. A head must fit a stream (Stream::default_capacity) with room to spare, because we wait for the whole of it.
inline constexpr std::size_t head_bytes = 32 * 1024;       ///< start line and fields; above: 431, from a provider 502
inline constexpr std::size_t head_fields = 100;            ///< above: 431, from a provider 502
inline constexpr std::size_t target_bytes = 8 * 1024;      ///< above: 414
inline constexpr std::size_t method_bytes = 32;            ///< above: 400
inline constexpr std::size_t chunk_line_bytes = 1024;      ///< chunk size with its extensions
inline constexpr std::size_t trailer_bytes = 8 * 1024;     ///< a whole trailer section
inline constexpr std::uint64_t chunk_bytes = 1ULL << 40U;  ///< one chunk; bodies of many chunks have no bound
inline constexpr std::uint64_t body_bytes =
    1ULL << 62U;  ///< Content-Length: far from any overflow; a real bound is the role's
inline constexpr std::uint64_t drained_bytes = 64 * 1024;  ///< body of a refused request read to keep the connection

// Counts.
inline constexpr std::size_t pending = 64;             ///< requests without a response; more wait unread
inline constexpr unsigned interim_responses = 16;      ///< 1xx before one final response; above: 502
inline constexpr std::size_t connection_options = 32;  ///< names in Connection; above: 400

// Times without progress (the session starts the clock anew whenever bytes left for either side).
inline constexpr std::chrono::milliseconds head_time{10'000};      ///< from a head's first byte to its last: 408
inline constexpr std::chrono::milliseconds idle_time{300'000};     ///< between requests: the connection closes
inline constexpr std::chrono::milliseconds body_time{30'000};      ///< next bytes of a request body: 408
inline constexpr std::chrono::milliseconds response_time{60'000};  ///< a response's first byte: 504, unless the role
                                                                   ///< or the request says otherwise (patient)
inline constexpr std::chrono::milliseconds reader_time{300'000};   ///< a client that reads nothing: cut
// Once a response has begun nothing limits the pauses in it: server-sent events may be silent for days.

}  // namespace xc::mediate::limits
