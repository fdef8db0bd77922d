// Both ends of a relay benchmark. Runs on the host, started by tests/bench/relay.py; it must never be installed.
//
//   serve SOCKET             answers each connection as its first byte asks: 'p' echoes, 'b' swallows the announced
//   bytes ping SOCKET COUNT SIZE   COUNT round trips of SIZE bytes; prints microseconds a round trip bulk SOCKET MIB
//   [BLOCK]  sends that much in writes of BLOCK bytes (262144); prints GiB/s until the other end has it connect SOCKET
//   COUNT     COUNT times connect, one byte there and back, close; prints connections a second
#include <chrono>
#include <cstdint>
#include <thread>

#include "test_socket.h"

namespace {

using namespace xc::test;
using xc::Fd;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

bool read_exactly(int socket, char* into, std::size_t size) {
  while (size > 0) {
    const ssize_t got = ::recv(socket, into, size, 0);
    if (got <= 0) return false;
    into += got;
    size -= static_cast<std::size_t>(got);
  }
  return true;
}

void echo(int socket) {
  std::vector<char> buffer(1U << 16U);
  for (ssize_t got = 0; (got = ::recv(socket, buffer.data(), buffer.size(), 0)) > 0;)
    if (!send_all(socket, {buffer.data(), static_cast<std::size_t>(got)})) return;
}

/// Swallows as many bytes as the 20 digits in front announce, and answers with one byte; no half-close is needed,
/// because not every relay has one.
void swallow(int socket) {
  std::string digits(20, '0');
  if (!read_exactly(socket, digits.data(), digits.size())) return;
  std::vector<char> buffer(1U << 18U);
  for (auto left = std::strtoull(digits.c_str(), nullptr, 10); left > 0;) {
    const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (got <= 0) return;
    left -= static_cast<unsigned long long>(got);
  }
  send_all(socket, ".");
}

void serve_one(const Fd& socket) {
  char kind = 0;
  if (!read_exactly(socket.get(), &kind, 1)) return;
  if (kind == 'p') echo(socket.get());
  if (kind == 'b') swallow(socket.get());
}

int serve(const char* name) {
  const Fd listener = listen_on(name);
  std::puts("ready");
  std::fflush(stdout);
  while (true) {
    Fd socket(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket) die("accept4");
    std::thread([socket = std::move(socket)] { serve_one(socket); }).detach();
  }
}

int ping(const char* name, unsigned long count, std::size_t size) {
  const Fd socket = dial(name);
  std::string bytes(size, 'x');
  if (!send_all(socket.get(), "p")) die("send");
  const auto start = Clock::now();
  for (unsigned long i = 0; i < count; ++i)
    if (!send_all(socket.get(), bytes) || !read_exactly(socket.get(), bytes.data(), size)) die("round trip");
  std::printf("%.3f\n", seconds_since(start) * 1e6 / static_cast<double>(count));
  return 0;
}

int bulk(const char* name, unsigned long mebibytes, std::size_t size) {
  const Fd socket = dial(name);
  const std::string block(size, 'x');
  std::array<char, 32> head{};
  std::snprintf(head.data(), head.size(), "b%020llu", static_cast<unsigned long long>(mebibytes) << 20U);
  if (!send_all(socket.get(), head.data())) die("send");
  const auto start = Clock::now();
  for (unsigned long i = 0; i < (mebibytes << 20U) / size; ++i)
    if (!send_all(socket.get(), block)) die("send");
  if (receive(socket.get()).bytes != ".") die("bytes were lost");
  std::printf("%.3f\n", static_cast<double>(mebibytes) / 1024.0 / seconds_since(start));
  return 0;
}

int connect_often(const char* name, unsigned long count) {
  const auto start = Clock::now();
  for (unsigned long i = 0; i < count; ++i) {
    const Fd socket = dial(name);
    char byte = 0;
    if (!send_all(socket.get(), "px") || !read_exactly(socket.get(), &byte, 1)) die("a connection failed");
  }
  std::printf("%.1f\n", static_cast<double>(count) / seconds_since(start));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view act = argc > 2 ? argv[1] : "";
  if (act == "serve") return serve(argv[2]);
  if (act == "ping" && argc == 5)
    return ping(argv[2], std::strtoul(argv[3], nullptr, 10), std::strtoul(argv[4], nullptr, 10));
  if (act == "bulk" && argc >= 4)
    return bulk(argv[2], std::strtoul(argv[3], nullptr, 10), argc > 4 ? std::strtoul(argv[4], nullptr, 10) : 1U << 18U);
  if (act == "connect" && argc == 4) return connect_often(argv[2], std::strtoul(argv[3], nullptr, 10));
  std::fputs("usage: see the head of xc-test-load.cc\n", stderr);
  return 64;
}
