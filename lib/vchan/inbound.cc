#include "vchan/inbound.h"

#include <sys/epoll.h>

#include <utility>

#include "vchan/wire.h"

namespace xc::vchan {

void Inbound::set_up(std::size_t size, bool shared) {
  size_ = size;
  first_ = shared;
  stream_ended_ = ended_ = false;
  received_ = 0;
  returned_.clear();
  ring_ = {};
  shared_ = {};
  sleeper_.close();
}

std::size_t Inbound::available(const Fd& socket) {
  const std::size_t back = returned_.size();
  if (in_ring()) return back + ring_.filled(ring_.capacity());
  return back + (stream_ended_ ? 0 : unread(socket));
}

long Inbound::get(const Fd& socket, char* bytes, std::size_t size) {
  if (returned_.size() > 0) return static_cast<long>(returned_.take(bytes, size));
  if (!in_ring()) {
    const long got = get_from_stream(socket, bytes, size);
    if (got > 0 || !in_ring()) return got;
  }
  return get_from_ring(socket, bytes, size);
}

long Inbound::get_from_stream(const Fd& socket, char* bytes, std::size_t size) {
  if (ring_.broken() || stream_ended_) return -1;
  Fd descriptors[offered_descriptors];
  const long got = first_ ? receive_first(socket, bytes, size, descriptors) : receive_bytes(socket, bytes, size);
  if (got < 0) stream_ended_ = true;
  if (got <= 0) return got;
  received_ += static_cast<std::uint64_t>(got);
  if (std::exchange(first_, false) && descriptors[offered_descriptors - 1]) join(socket, descriptors);
  return got;
}

/// What the peer wrote before it left is still in the memory.
long Inbound::get_from_ring(const Fd& socket, char* bytes, std::size_t size) {
  std::size_t got = ring_.read(bytes, size);
  if (got == 0 && !ended_ && (ring_.finished() || look_at(socket) != Line::open)) {
    got = ring_.read(bytes, size);
    ended_ = got == 0;
  }
  if (got > 0 && ring_.must_wake() && !ring_bell(shared_.room_bell)) ended_ = true;
  if (got > 0) return static_cast<long>(got);
  return ended_ || ring_.broken() ? -1 : 0;
}

void Inbound::join(const Fd& socket, Fd (&descriptors)[offered_descriptors]) {
  Shared offered;
  if (!take_shared(descriptors, offered) || !sleeper_.open()) return;
  if (!sleeper_.add(socket, EPOLLIN | EPOLLRDHUP) || !sleeper_.add(offered.data_bell, EPOLLIN)) return;
  shared_ = std::move(offered);
  ring_ = RingReader(shared_.memory.get(), shared_.memory.size());
  ring_.accept();
}

bool Inbound::ask() {
  if (!ring_) return true;
  ring_.ask_for_data();
  return !ring_.broken() && !(in_ring() && (ring_.filled(1) > 0 || ring_.finished()));
}

void Inbound::leave() {
  if (ring_) ring_.leave();
}

}  // namespace xc::vchan
