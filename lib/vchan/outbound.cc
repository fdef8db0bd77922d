#include "vchan/outbound.h"

#include <sys/epoll.h>

#include <algorithm>

#include "vchan/wire.h"

namespace xc::vchan {
namespace {

constexpr std::size_t usual_ring = 1U << 20U;  // below, the stream is faster in bulk
constexpr std::size_t piece = 65536;
constexpr std::size_t check_after = 1U << 16U;  // bytes into a ring whose reader may have died

}  // namespace

void Outbound::set_up(std::size_t size, bool shared) {
  size_ = size;
  offers_ = shared;
  switched_ = gone_ = false;
  sent_ = 0;
  kept_.clear();
  ring_ = {};
  shared_ = {};
  memory_.reset();
  sleeper_.close();
}

std::size_t Outbound::space() {
  return switched_ ? std::min(size_, ring_.room(size_)) : size_ - std::min(size_, kept_.size());
}

std::size_t Outbound::keep(const char* bytes, std::size_t size) {
  size = std::min(size, space());
  return size > 0 && kept_.put(bytes, size) ? size : 0;
}

bool Outbound::flush(const Fd& socket) {
  while (kept_.size() > 0 && !gone_) {
    const long sent = send(socket, kept_.data(), kept_.size());
    if (sent == 0) break;
    if (sent > 0) kept_.drop(static_cast<std::size_t>(sent));
  }
  return !gone();
}

long Outbound::give(const Fd& socket, const char* bytes, std::size_t size, std::size_t least) {
  if (!flush(socket)) return -1;
  if (!switched_ && ring_ && kept_.size() == 0 && ring_.accepted()) switch_if_accepted(socket);
  if (switched_) return put_in_ring(socket, bytes, size);
  const long sent = kept_.size() > 0 ? 0 : send(socket, bytes, size);
  if (sent < 0) return -1;
  const auto taken = static_cast<std::size_t>(sent);
  least = std::min(size, least);
  return taken >= least ? sent : sent + static_cast<long>(keep(bytes + taken, least - taken));
}

long Outbound::send(const Fd& socket, const char* bytes, std::size_t size) {
  if (offers_ && !ring_) make_offer();
  const long sent = offers_ ? send_first(socket, bytes, size, shared_, memory_) : send_bytes(socket, bytes, size);
  if (sent < 0) gone_ = true;
  if (sent <= 0) return sent;
  offers_ = false;
  memory_.reset();
  sent_ += static_cast<std::uint64_t>(sent);
  return sent;
}

void Outbound::make_offer() {
  offers_ = make_shared(std::max(usual_ring, size_), shared_, memory_);
  if (offers_) ring_ = RingWriter(shared_.memory.get(), shared_.memory.size());
}

/// The peer reads in the ring: all that follows goes there.
void Outbound::switch_if_accepted(const Fd& socket) {
  if (!sleeper_.open() || !sleeper_.add(socket, EPOLLRDHUP) || !sleeper_.add(shared_.room_bell, EPOLLIN)) return;
  ring_.switch_over(sent_);
  switched_ = true;
}

/// In pieces, so that the reader can begin while we copy. What was put counts even if the reader leaves meanwhile: it
/// may have read all of it.
long Outbound::put_in_ring(const Fd& socket, const char* bytes, std::size_t size) {
  gone_ = gone_ || ring_.abandoned();
  std::size_t put = 0;
  while (put < size && !gone_) {
    const std::size_t some = ring_.write(bytes + put, std::min(size - put, piece));
    if (some > 0 && ring_.must_wake() && !ring_bell(shared_.data_bell)) gone_ = true;
    put += some;
    if (some == 0) break;
  }
  unchecked_ += put;
  if (put == 0 || unchecked_ >= check_after) {
    unchecked_ = 0;
    gone_ = gone_ || look_at(socket) != Line::open;
  }
  return put == 0 && gone() ? -1 : static_cast<long>(put);
}

bool Outbound::ask() {
  if (!switched_) return true;
  ring_.ask_for_room();
  return ring_.room(ring_.capacity()) < ring_.capacity() / 4 && !ring_.abandoned() && !ring_.broken();
}

void Outbound::finish() {
  if (ring_) ring_.finish();
}

}  // namespace xc::vchan
