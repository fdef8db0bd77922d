// Numbers of HTTP/2 links, beside those of rest_limits.h. Constants only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mediate/rest_limits.h"

namespace xc::mediate::limits {

inline constexpr std::uint32_t h2_streams = 100;              ///< of a client at the same time; more are refused
inline constexpr std::uint32_t h2_stream_window = 64 * 1024;  ///< bytes of one body, one way, that may wait here
inline constexpr std::int32_t h2_window = 512 * 1024;         ///< of all bodies of a connection, one way
inline constexpr std::size_t h2_table_bytes = 4096;           ///< of compression state, each way
inline constexpr std::uint64_t h2_dropped = 1024 * 1024;      ///< of a body that follows our answer, then a reset
inline constexpr std::uint64_t h2_resets = 100;  ///< streams a client may reset beyond those that were answered: a
                                                 ///< request that is taken back at once costs us, not him

}  // namespace xc::mediate::limits
