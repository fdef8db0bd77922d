// What a thread sleeps on while it can be woken by more than the stream: an epoll(7) set of edges. Nothing has to be
// read from a bell, so nobody can make us wait in a read. Runs in the program that uses the library.
#pragma once

#include <cstdint>

#include "base/fd.h"

namespace xc::vchan {

class Sleeper {
 public:
  [[nodiscard]] bool open();
  [[nodiscard]] const Fd& descriptor() const { return set_; }
  /// Edges of `events` (EPOLLIN ...), of a descriptor that was or was not in the set before.
  [[nodiscard]] bool add(const Fd& descriptor, std::uint32_t events) const;
  void change(const Fd& descriptor, std::uint32_t events) const;
  void remove(const Fd& descriptor) const;
  void close() { set_.reset(); }

 private:
  Fd set_;
};

/// Sleeps until an edge, at most `milliseconds` (-1: for ever), and takes all there are. The number of edges.
int sleep_on(int set, int milliseconds);

/// Sleeps until poll(2) has one of `events` for the descriptor.
void sleep_until(int descriptor, short events, int milliseconds);

}  // namespace xc::vchan
