#include "sys/poller.h"

#include <cerrno>
#include <utility>

namespace xc::sys {
namespace {

Result<> control(int epoll, int operation, int descriptor, std::uint32_t events, std::uint64_t token) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = token;
  if (::epoll_ctl(epoll, operation, descriptor, &event) != 0) return fail_errno(Kind::kernel, "epoll_ctl", errno);
  return {};
}

}  // namespace

Result<Poller> Poller::create() {
  Fd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  if (!epoll) return fail_errno(Kind::kernel, "epoll_create1", errno);
  return Poller(std::move(epoll));
}

Result<> Poller::add(int descriptor, std::uint32_t events, std::uint64_t token) {
  return control(epoll_.get(), EPOLL_CTL_ADD, descriptor, events, token);
}

Result<> Poller::change(int descriptor, std::uint32_t events, std::uint64_t token) {
  return control(epoll_.get(), EPOLL_CTL_MOD, descriptor, events, token);
}

void Poller::remove(int descriptor) {
  (void)control(epoll_.get(), EPOLL_CTL_DEL, descriptor, 0, 0);
}

Result<std::span<epoll_event>> Poller::wait(std::span<epoll_event> room, int milliseconds) {
  const int count = ::epoll_pwait(epoll_.get(), room.data(), static_cast<int>(room.size()), milliseconds, nullptr);
  if (count < 0 && errno != EINTR) return fail_errno(Kind::kernel, "epoll_pwait", errno);
  return room.first(count < 0 ? 0 : static_cast<std::size_t>(count));
}

}  // namespace xc::sys
