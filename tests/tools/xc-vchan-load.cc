// A writer and a reader, two processes, over a raw pair of sockets or over a vchan in VCHAN_SOCKET_DIR, and how fast
// they were. xc-vchan-load raw|vchan SIZE MEGABYTES: bytes a second of writes of SIZE (0: round trips of 64 bytes,
// MEGABYTES thousand of them, in seconds each), and the processor time of both, a line of two numbers.
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "vchan/libvchan.h"

namespace {

constexpr std::size_t round_trip = 64;

/// One end, whatever it is made of.
struct End {
  libvchan_t* channel = nullptr;
  int socket = -1;

  [[nodiscard]] long write(const char* bytes, std::size_t size) const {
    return channel != nullptr ? libvchan_write(channel, bytes, size) : ::send(socket, bytes, size, 0);
  }
  [[nodiscard]] long read(char* bytes, std::size_t size) const {
    return channel != nullptr ? libvchan_read(channel, bytes, size) : ::recv(socket, bytes, size, 0);
  }
  void write_all(const char* bytes, std::size_t size) const {
    for (std::size_t done = 0; done < size;) {
      const long written = write(bytes + done, size - done);
      if (written <= 0) std::exit(1);
      done += static_cast<std::size_t>(written);
    }
  }
  void read_all(char* bytes, std::size_t size) const {
    for (std::size_t done = 0; done < size;) {
      const long got = read(bytes + done, size - done);
      if (got <= 0) std::exit(1);
      done += static_cast<std::size_t>(got);
    }
  }
};

void echo(const End& end, std::size_t count) {
  std::vector<char> bytes(round_trip);
  for (std::size_t i = 0; i < count; ++i) {
    end.read_all(bytes.data(), round_trip);
    end.write_all(bytes.data(), round_trip);
  }
}

void swallow(const End& end, std::size_t total) {
  std::vector<char> bytes(1U << 20U);
  for (std::size_t got = 0; got < total;) {
    const long some = end.read(bytes.data(), bytes.size());
    if (some <= 0) std::exit(1);
    got += static_cast<std::size_t>(some);
  }
  end.write_all("!", 1);
}

double seconds_of(const rusage& usage) {
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// The client's side; seconds it took. Both have exchanged a few bytes before, so memory is agreed on.
double drive(const End& end, std::size_t size, std::size_t total) {
  std::vector<char> bytes(size == 0 ? round_trip : size, 'x');
  const auto start = std::chrono::steady_clock::now();
  if (size == 0) {
    for (std::size_t i = 0; i < total; ++i) {
      end.write_all(bytes.data(), round_trip);
      end.read_all(bytes.data(), round_trip);
    }
  } else {
    for (std::size_t sent = 0; sent < total; sent += size) end.write_all(bytes.data(), size);
    end.read_all(bytes.data(), 1);
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 64;
  const bool raw = std::string_view(argv[1]) == "raw";
  const std::size_t size = std::strtoul(argv[2], nullptr, 10);
  std::size_t total = std::strtoul(argv[3], nullptr, 10) * (size == 0 ? 1000 : 1U << 20U);
  if (size != 0) total -= total % size;
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return 71;
  const pid_t child = ::fork();
  End end;
  if (raw)
    end.socket = pair[child == 0 ? 1 : 0];
  else
    end.channel = child == 0 ? libvchan_server_init(0, 0, 0, 0) : libvchan_client_init(0, 0);
  if (!raw && end.channel == nullptr) return 71;
  if (child == 0) {
    echo(end, 3);
    size == 0 ? echo(end, total) : swallow(end, total);
    if (end.channel != nullptr) libvchan_close(end.channel);
    return 0;
  }
  (void)drive(end, 0, 3);
  const double seconds = drive(end, size, total);
  if (end.channel != nullptr) libvchan_close(end.channel);
  (void)::waitpid(child, nullptr, 0);
  rusage ours{};
  rusage theirs{};
  (void)::getrusage(RUSAGE_SELF, &ours);
  (void)::getrusage(RUSAGE_CHILDREN, &theirs);
  std::printf("%.9g %.6f\n", size == 0 ? seconds / static_cast<double>(total) : static_cast<double>(total) / seconds,
              seconds_of(ours) + seconds_of(theirs));
  return 0;
}
