// The plainest relay that keeps descriptors: recvmsg(2), sendmsg(2), one process, epoll. What a mediator is measured
// against by tests/bench/relay.py; never to be installed.
//
//   xc-test-relay LISTEN CONNECT
#include <sys/epoll.h>

#include <memory>

#include "test_socket.h"

namespace {

using namespace xc::test;
using xc::Fd;

struct Pair {
  std::array<Fd, 2> sockets;
  std::array<bool, 2> ended{};
};

struct Way {
  Pair* pair = nullptr;
  std::size_t from = 0;
};

/// Passes one read on; it waits for room, as it is alone. False when that direction has ended.
bool pass(Pair& pair, std::size_t from) {
  const Received received = receive(pair.sockets[from].get());
  if (received.bytes.empty()) return false;
  std::vector<int> numbers;
  for (const Fd& descriptor : received.descriptors) numbers.push_back(descriptor.get());
  return send_all(pair.sockets[1 - from].get(), received.bytes, numbers);
}

void watch(int epoll, int socket, Way* way) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = way;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) != 0) die("epoll_ctl");
}

void take_client(int epoll, const Fd& listener, const char* to) {
  auto* pair = new Pair{{Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)), dial(to)}, {}};
  for (std::size_t i = 0; i < 2; ++i) watch(epoll, pair->sockets[i].get(), new Way{pair, i});
}

void serve(int epoll, const Way& way) {
  Pair& pair = *way.pair;
  if (pass(pair, way.from)) return;
  (void)::epoll_ctl(epoll, EPOLL_CTL_DEL, pair.sockets[way.from].get(), nullptr);
  ::shutdown(pair.sockets[1 - way.from].get(), SHUT_WR);
  pair.ended[way.from] = true;
  if (pair.ended[0] && pair.ended[1])
    for (Fd& socket : pair.sockets) socket.reset();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 64;
  const Fd listener = listen_on(argv[1]);
  const Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  watch(epoll.get(), listener.get(), nullptr);
  while (true) {
    std::array<epoll_event, 64> events{};
    const int count = ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const auto* way = static_cast<const Way*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (way == nullptr)
        take_client(epoll.get(), listener, argv[2]);
      else
        serve(epoll.get(), *way);
    }
  }
}
