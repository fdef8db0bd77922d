// The ends of a REST benchmark, and the cheapest thing that could stand between them. Runs on the host, started by
// tests/bench/rest.py; it must never be installed. Reads no HTTP but its own.
//
//   serve SOCKET                       answers every request
//   floor SOCKET PROVIDER              a relay: reads and writes, understands nothing
//   load SOCKET MODE CONNECTIONS COUNT  MODE get, post (64 KiB) or new (a connection for each GET); prints JSON
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "test_socket.h"

namespace {

using namespace xc::test;
using xc::Fd;
using Clock = std::chrono::steady_clock;

constexpr std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nhello, world\n";
constexpr std::size_t upload = 64UL * 1024;

/// What one descriptor is for.
struct Peer {
  Fd socket;
  Peer* other = nullptr;    // floor
  std::size_t missing = 0;  // serve: bytes of a body still to come; load: of an answer
  std::string head;         // serve: the beginning of a request
  Clock::time_point asked;  // load
  bool gone = false;
};

class Loop {
 public:
  Loop() : poller_(::epoll_create1(EPOLL_CLOEXEC)) {}
  void add(int descriptor, void* what) {
    epoll_event event{EPOLLIN, {.ptr = what}};
    if (::epoll_ctl(poller_.get(), EPOLL_CTL_ADD, descriptor, &event) != 0) die("epoll_ctl");
  }
  template <class Act>
  void once(const Act& act) {
    std::array<epoll_event, 64> events;
    const int count = ::epoll_wait(poller_.get(), events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) act(static_cast<Peer*>(events.at(static_cast<std::size_t>(i)).data.ptr));
  }

 private:
  Fd poller_;
};

std::array<char, 1 << 16> room;

/// Bytes that wait; empty at the end.
std::string_view receive(const Peer& peer) {
  const ssize_t got = ::recv(peer.socket.get(), room.data(), room.size(), 0);
  return {room.data(), got > 0 ? static_cast<std::size_t>(got) : 0};
}

void take(Peer& peer, std::string_view bytes) {
  while (!bytes.empty()) {
    if (peer.missing > 0) {
      const std::size_t count = std::min(peer.missing, bytes.size());
      bytes.remove_prefix(count);
      peer.missing -= count;
      if (peer.missing == 0) send_all(peer.socket.get(), answer);
      continue;
    }
    const std::size_t before = peer.head.size();
    peer.head += bytes;
    const std::size_t end = peer.head.find("\r\n\r\n");
    if (end == std::string::npos) return;
    bytes.remove_prefix(end + 4 - before);
    const std::size_t length = peer.head.find("Content-Length: ");
    if (length < end) peer.missing = std::strtoull(peer.head.c_str() + length + 16, nullptr, 10);
    if (peer.missing == 0) send_all(peer.socket.get(), answer);
    peer.head.clear();
  }
}

Fd accept_one(const Peer& listener) {
  Fd socket(::accept4(listener.socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!socket) die("accept4");
  return socket;
}

int serve(const char* name) {
  Loop loop;
  Peer listener{listen_on(name)};
  loop.add(listener.socket.get(), &listener);
  for (;;)
    loop.once([&](Peer* peer) {
      if (peer == &listener) {
        auto* fresh = new Peer{accept_one(listener)};  // one owner: the poller
        loop.add(fresh->socket.get(), fresh);
        return;
      }
      const std::string_view bytes = receive(*peer);
      if (bytes.empty())
        delete peer;
      else
        take(*peer, bytes);
    });
}

int relay(const char* name, const char* provider) {
  Loop loop;
  Peer listener{listen_on(name)};
  loop.add(listener.socket.get(), &listener);
  std::vector<Peer*> left;
  for (;;) {
    loop.once([&](Peer* peer) {
      if (peer == &listener) {
        auto* client = new Peer{accept_one(listener)};
        auto* server = new Peer{dial(provider), client};
        client->other = server;
        for (Peer* one : {client, server}) loop.add(one->socket.get(), one);
        return;
      }
      if (peer->gone) return;
      const std::string_view bytes = receive(*peer);
      if (!bytes.empty() && send_all(peer->other->socket.get(), bytes)) return;
      peer->gone = peer->other->gone = true;
      left.insert(left.end(), {peer, peer->other});
    });
    for (Peer* peer : left) delete peer;
    left.clear();
  }
}

class Load {
 public:
  Load(const char* name, std::string_view mode) : name_(name), fresh_(mode == "new") {
    const std::string more = mode == "post" ? "Content-Length: " + std::to_string(upload) + "\r\n" : "";
    request_ = (mode == "post" ? "POST" : "GET") +
               std::string(
                   " /v1/status HTTP/1.1\r\nHost: svc\r\nUser-Agent: load\r\n"
                   "Accept: */*\r\n") +
               more + "\r\n" + std::string(mode == "post" ? upload : 0, 'x');
  }
  int run(std::size_t connections, std::size_t count) {
    const auto begun = Clock::now();
    std::vector<std::unique_ptr<Peer>> peers;
    for (std::size_t i = 0; i < connections; ++i) {
      peers.push_back(std::make_unique<Peer>());
      ask(*peers.back());
    }
    while (times_.size() < count) loop_.once([&](Peer* peer) { hear(*peer); });
    const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
    std::ranges::sort(times_);
    std::printf("{\"rate\":%.1f,\"p50\":%.1f,\"p99\":%.1f}\n", static_cast<double>(times_.size()) / seconds,
                times_[times_.size() / 2], times_[times_.size() * 99 / 100]);
    return 0;
  }

 private:
  void ask(Peer& peer) {
    peer.asked = Clock::now();
    if (!peer.socket) {
      peer.socket = dial(name_);
      loop_.add(peer.socket.get(), &peer);
    }
    if (!send_all(peer.socket.get(), request_)) die("send");
  }
  /// An answer ends with its body, whose last bytes we know.
  void hear(Peer& peer) {
    const std::string_view bytes = receive(peer);
    if (bytes.empty()) die("the server left");
    if (!bytes.ends_with("world\n")) return;
    times_.push_back(std::chrono::duration<double, std::micro>(Clock::now() - peer.asked).count());
    if (fresh_) peer.socket.reset();
    ask(peer);
  }

  const char* name_;
  bool fresh_;
  std::string request_;
  Loop loop_;
  std::vector<double> times_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::string_view verb = argc > 2 ? argv[1] : "";
  if (verb == "serve") return serve(argv[2]);
  if (verb == "floor" && argc == 4) return relay(argv[2], argv[3]);
  if (verb == "load" && argc == 6)
    return Load(argv[2], argv[3]).run(std::strtoull(argv[4], nullptr, 10), std::strtoull(argv[5], nullptr, 10));
  std::fputs("usage: serve SOCKET | floor SOCKET PROVIDER | load SOCKET get|post|new CONNECTIONS COUNT\n", stderr);
  return 64;
}
