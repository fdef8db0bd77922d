// vchan-cat: standard input into a vchan, and the vchan to standard output, for people and tests. Runs as whoever calls
// it, on the host or in a container; needs no file but its socket. Has no logic of its own: it is a user of libvchan.h.
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "vchan/libvchan.h"

namespace {

constexpr int usage_error = 64;
constexpr int failure = 71;
constexpr std::size_t ring = 65536;
constexpr const char* usage =
    "usage: vchan-cat server|client DOMAIN PORT\n"
    "Copies standard input to the other end and what comes from there to standard output, until the other end closes;\n"
    "the end of standard input closes ours once nothing came for 200 ms. DOMAIN is the other end's; VCHAN_DOMAIN is\n"
    "one's own, VCHAN_SOCKET_DIR (default /var/run/vchan) where the sockets are.\n";

bool write_out(const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(STDOUT_FILENO, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

/// What has come, out; 1: there was some, 0: none, -1: the end.
int drain(libvchan_t* channel) {
  static char buffer[ring];
  const int open = libvchan_is_open(channel);  // before looking for data: what came before the end is still there
  const int ready = libvchan_data_ready(channel);
  if (ready <= 0) return open == VCHAN_DISCONNECTED ? -1 : 0;
  const int got = libvchan_read(channel, buffer, sizeof buffer);
  return got > 0 && write_out(buffer, static_cast<std::size_t>(got)) ? 1 : -1;
}

/// As much of standard input as the channel takes without waiting; false at its end.
bool feed(libvchan_t* channel) {
  static char buffer[ring];
  const int space = libvchan_buffer_space(channel);
  const auto most = static_cast<std::size_t>(space) < sizeof buffer ? static_cast<std::size_t>(space) : sizeof buffer;
  const ssize_t got = ::read(STDIN_FILENO, buffer, most);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  return got > 0 && libvchan_send(channel, buffer, static_cast<std::size_t>(got)) == got;
}

int talk(libvchan_t* channel) {
  bool input = true;
  for (;;) {
    const int got = drain(channel);
    if (got < 0) return 0;
    if (got > 0) continue;
    const bool has_room = libvchan_is_open(channel) == VCHAN_CONNECTED && libvchan_buffer_space(channel) > 0;
    pollfd ready[2] = {{libvchan_fd_for_select(channel), POLLIN, 0},
                       {input && has_room ? STDIN_FILENO : -1, POLLIN, 0}};
    const int count = ::poll(ready, 2, input ? -1 : 200);
    if (count < 0 && errno != EINTR) return failure;
    if (count == 0 && libvchan_is_open(channel) == VCHAN_CONNECTED) return 0;
    if (count > 0 && (ready[0].revents & POLLIN) != 0 && libvchan_wait(channel) < 0 && drain(channel) < 0) return 0;
    if (count > 0 && ready[1].revents != 0) input = feed(channel);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool server = argc == 4 && std::strcmp(argv[1], "server") == 0;
  if (argc != 4 || (!server && std::strcmp(argv[1], "client") != 0)) {
    (void)std::fputs(usage, stderr);
    return usage_error;
  }
  (void)std::signal(SIGPIPE, SIG_IGN);
  const int domain = static_cast<int>(std::strtol(argv[2], nullptr, 10));
  const int port = static_cast<int>(std::strtol(argv[3], nullptr, 10));
  libvchan_t* channel = server ? libvchan_server_init(domain, port, ring, ring) : libvchan_client_init(domain, port);
  if (channel == nullptr) return failure;
  const int status = talk(channel);
  libvchan_close(channel);
  return status;
}
