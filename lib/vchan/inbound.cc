#include "vchan/inbound.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

#include "vchan/wire.h"

namespace xc::vchan {
namespace {

constexpr std::size_t piece = 65536;

}  // namespace

void Inbound::set_up(std::size_t size, bool shared) {
  size_ = size;
  first_ = shared;
  stream_ended_ = ended_ = hung_up_ = false;
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

long Inbound::get(const Fd& socket, char* bytes, std::size_t size, Mutex* sleeping) {
  if (returned_.size() > 0) return static_cast<long>(returned_.take(bytes, size));
  if (!in_ring()) {
    const long got = get_from_stream(socket, bytes, size, ring_ ? nullptr : sleeping);
    if (got > 0 || !in_ring()) return got;
  }
  return get_from_ring(socket, bytes, size, sleeping == nullptr);
}

long Inbound::get_from_stream(const Fd& socket, char* bytes, std::size_t size, Mutex* sleeping) {
  if (ring_.broken() || stream_ended_) return -1;
  Fd descriptors[offered_descriptors];
  if (sleeping != nullptr) sleeping->unlock();
  const bool wait = sleeping != nullptr;
  const long got =
      first_ ? receive_first(socket, bytes, size, descriptors, wait) : receive_bytes(socket, bytes, size, wait);
  if (sleeping != nullptr) sleeping->lock();
  if (got < 0) stream_ended_ = true;
  if (got <= 0) return got;
  received_ += static_cast<std::uint64_t>(got);
  if (std::exchange(first_, false) && descriptors[offered_descriptors - 1]) join(socket, descriptors);
  return got;
}

/// What the peer wrote before it left is still in the memory.
long Inbound::get_from_ring(const Fd& socket, char* bytes, std::size_t size, bool thorough) {
  std::size_t got = read_ring(bytes, size);
  if (got == 0 && !ended_ && (hung_up_ || ring_.finished() || (thorough && look_at(socket) != Line::open))) {
    got = read_ring(bytes, size);
    ended_ = got == 0;
  }
  if (got > 0) return static_cast<long>(got);
  return ended_ || ring_.broken() ? -1 : 0;
}

/// In pieces, so that the writer can go on while we copy.
std::size_t Inbound::read_ring(char* bytes, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const std::size_t got = ring_.read(bytes + done, std::min(size - done, piece));
    if (got > 0 && ring_.must_wake() && !ring_bell(shared_.room_bell)) ended_ = true;
    done += got;
    if (got == 0) break;
  }
  return done;
}

void Inbound::woken(std::uint32_t events) {
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) hung_up_ = true;
}

void Inbound::join(const Fd& socket, Fd (&descriptors)[offered_descriptors]) {
  Shared offered;
  if (!take_shared(descriptors, std::max(most_offered, size_), offered) || !sleeper_.open()) return;
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
