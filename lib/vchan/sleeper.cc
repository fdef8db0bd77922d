#include "vchan/sleeper.h"

#include <poll.h>
#include <sys/epoll.h>

#include <ctime>

namespace xc::vchan {

bool Sleeper::open() {
  set_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
  return static_cast<bool>(set_);
}

bool Sleeper::add(const Fd& descriptor, std::uint32_t events) const {
  epoll_event event{};
  event.events = events | EPOLLET;
  return ::epoll_ctl(set_.get(), EPOLL_CTL_ADD, descriptor.get(), &event) == 0;
}

void Sleeper::change(const Fd& descriptor, std::uint32_t events) const {
  epoll_event event{};
  event.events = events | EPOLLET;
  (void)::epoll_ctl(set_.get(), EPOLL_CTL_MOD, descriptor.get(), &event);  // it is in the set
}

void Sleeper::remove(const Fd& descriptor) const {
  if (descriptor) (void)::epoll_ctl(set_.get(), EPOLL_CTL_DEL, descriptor.get(), nullptr);  // fails if it is not in
}

std::uint32_t sleep_on(int set, int milliseconds) {
  epoll_event events[8];
  const int count = ::epoll_wait(set, events, 8, milliseconds);
  std::uint32_t all = 0;
  for (int i = 0; i < count; ++i) all |= events[i].events;
  return all;
}

long Vigil::nanoseconds() {
  timespec now{};
  (void)::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<long>(static_cast<unsigned long>(now.tv_sec) * 1'000'000'000UL +
                           static_cast<unsigned long>(now.tv_nsec));
}

void sleep_until(int descriptor, short events, int milliseconds) {
  pollfd one{descriptor, events, 0};
  (void)::poll(&one, descriptor < 0 ? 0 : 1, milliseconds);  // interrupted: the caller looks again
}

}  // namespace xc::vchan
