// A few pipes that splice(2) moves bytes through without copying them. Runs in the worker: they are made before its
// filter and lent to whoever has much to move.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace xc::sys {

struct Pipe {
  Fd read;
  Fd write;
};

class Pipes {
 public:
  /// Up to `count` pipes of up to `capacity` bytes each, as far as the user's limits go (pipe(7)).
  [[nodiscard]] static Result<Pipes> create(std::size_t count, int capacity);

  /// An empty pipe; nothing when all are lent.
  [[nodiscard]] std::optional<Pipe> borrow();
  /// Takes a pipe back, which must be empty.
  void give_back(Pipe pipe) { idle_.push_back(std::move(pipe)); }
  /// Takes a pipe back that still holds bytes nobody wants any more.
  void give_back_full(Pipe pipe);

 private:
  Fd drain_;  ///< what is spliced into it, `sink_` throws away: a worker may not read(2)
  Fd sink_;
  std::vector<Pipe> idle_;
};

/// Moves up to `size` bytes from one descriptor to the other, one of which is a pipe. How many; nothing when it would
/// block, or when there is no room. An error keeps its errno. SIGPIPE must be ignored.
[[nodiscard]] Result<std::optional<std::size_t>> splice_bytes(int from, int to, std::size_t size);

}  // namespace xc::sys
