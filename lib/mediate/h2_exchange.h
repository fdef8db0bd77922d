// One request and its response between two HTTP/2 connections, and the bytes of both bodies that are under way. Runs in
// the worker. The windows of flow control bound what waits here (h2_limits.h).
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "mediate/h2_session.h"

namespace xc::mediate::h2 {

/// A body on its way in one direction.
struct Flow {
  std::string waiting;
  std::optional<Lines> trailers{};
  bool ended = false;  ///< nothing is added any more
  std::uint64_t moved = 0;

  /// Moves what waits into `room`.
  Events::Pulled pull(std::span<char> room) {
    const std::size_t count = std::min(room.size(), waiting.size());
    waiting.copy(room.data(), count);
    waiting.erase(0, count);
    moved += count;
    return {count, ended && waiting.empty(), trailers && !trailers->empty() ? &*trailers : nullptr};
  }
};

struct Exchange {
  Id client = -1;  ///< its stream on the client's connection; -1 = closed there
  Id server = -1;  ///< and on the provider's; -1 = none, or closed
  Flow request;
  Flow response;
  bool started = false;    ///< a final head went to the client
  bool answered = false;   ///< the answer is ours; the provider is out of it
  bool head_only = false;  ///< HEAD
  bool patient = false;    ///< its response may take any time to begin
  unsigned interims = 0;
  std::uint64_t dropped = 0;        ///< bytes of the request's body that came after our answer
  std::uint64_t most = UINT64_MAX;  ///< bytes the request's body may have
  std::uint64_t began = 0;          ///< by the observer's clock
  unsigned status = 0;
  std::string method, path, refusal;  ///< for the observer

  /// The provider has a whole request, and its time to answer runs.
  [[nodiscard]] bool is_awaited() const { return request.ended && !started && !answered && !patient; }
};

}  // namespace xc::mediate::h2
