// Measures a Wayland display from outside, by the bare wire, and relays one without looking (to compare with):
//   xc-wayland-load sync|frame|pool DISPLAY COUNT    prints how many a second
//   xc-wayland-load relay LISTEN CONNECT             passes bytes and descriptors as they come
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

sockaddr_un address_of(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  return address;
}

int connect_to(const char* path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un address = address_of(path);
  if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) die(path);
  return fd;
}

struct Control {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(28 * sizeof(int))> room{};
};

void send_all(int fd, std::string_view bytes, int* descriptors, std::size_t count) {
  Control control;
  while (!bytes.empty()) {
    iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    if (count > 0) {
      message.msg_control = control.room.data();
      message.msg_controllen = CMSG_SPACE(count * sizeof(int));
      cmsghdr* part = CMSG_FIRSTHDR(&message);
      part->cmsg_level = SOL_SOCKET;
      part->cmsg_type = SCM_RIGHTS;
      part->cmsg_len = CMSG_LEN(count * sizeof(int));
      std::memcpy(CMSG_DATA(part), descriptors, count * sizeof(int));
    }
    const ssize_t sent = ::sendmsg(fd, &message, MSG_NOSIGNAL);
    if (sent < 0) die("sendmsg");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
    count = 0;
  }
}

/// A connection that knows just enough of the core protocol.
class Client {
 public:
  explicit Client(const char* path) : fd_(connect_to(path)) {
    put(1, 1, {2});
    roundtrip();
  }

  void put(std::uint32_t object, std::uint32_t opcode, const std::vector<std::uint32_t>& words) {
    const auto size = static_cast<std::uint32_t>(8 + words.size() * 4);
    word(object);
    word(size << 16U | opcode);
    for (const std::uint32_t one : words) word(one);
  }

  std::uint32_t bind(std::string_view interface, std::uint32_t version) {
    const std::uint32_t id = new_id();
    std::vector<std::uint32_t> words{name_of(interface), static_cast<std::uint32_t>(interface.size() + 1)};
    std::string padded(interface);
    padded.resize((interface.size() + 4) / 4 * 4);
    for (std::size_t i = 0; i < padded.size(); i += 4) {
      std::uint32_t piece = 0;
      std::memcpy(&piece, padded.data() + i, 4);
      words.push_back(piece);
    }
    words.push_back(version);
    words.push_back(id);
    put(2, 0, words);
    return id;
  }

  void give(int descriptor) { descriptors_.push_back(descriptor); }
  std::uint32_t new_id() {
    if (free_.empty()) return next_++;
    const std::uint32_t id = free_.back();
    free_.pop_back();
    return id;
  }

  /// What was put, and a sync; until its answer.
  void roundtrip() {
    const std::uint32_t callback = new_id();
    put(1, 0, {callback});
    send_all(fd_, out_, descriptors_.data(), descriptors_.size());
    out_.clear();
    descriptors_.clear();
    for (bool done = false; !done;) done = read_events(callback);
  }

 private:
  void word(std::uint32_t value) { out_.append(reinterpret_cast<const char*>(&value), 4); }
  std::uint32_t at(std::size_t offset) const {
    std::uint32_t value = 0;
    std::memcpy(&value, in_.data() + offset, 4);
    return value;
  }

  bool read_events(std::uint32_t callback) {
    std::array<char, 65536> buffer;
    const ssize_t got = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (got <= 0) die("recv");
    in_.append(buffer.data(), static_cast<std::size_t>(got));
    bool done = false;
    while (in_.size() >= 8 && in_.size() >= at(4) >> 16U) {
      const std::uint32_t object = at(0);
      const std::uint32_t opcode = at(4) & 0xffffU;
      if (object == 1 && opcode == 0) die("refused");
      if (object == 1 && opcode == 1) free_.push_back(at(8));
      if (object == 2 && opcode == 0) globals_.emplace_back(at(8), std::string(in_.data() + 16));
      done = done || (object == callback && opcode == 0);
      in_.erase(0, at(4) >> 16U);
    }
    return done;
  }

  std::uint32_t name_of(std::string_view interface) const {
    for (const auto& [name, known] : globals_)
      if (known == interface) return name;
    die("no such global");
  }

  int fd_;
  std::string in_;
  std::string out_;
  std::vector<int> descriptors_;
  std::vector<std::uint32_t> free_;
  std::uint32_t next_ = 3;
  std::vector<std::pair<std::uint32_t, std::string>> globals_;
};

constexpr std::uint32_t side = 256;

int memory() {
  const int fd = ::memfd_create("pool", MFD_CLOEXEC);
  if (fd < 0 || ::ftruncate(fd, side * side * 4) != 0) die("memfd");
  return fd;
}

int measure(std::string_view what, const char* display, long count) {
  Client client(display);
  const std::uint32_t compositor = client.bind("wl_compositor", 1);
  const std::uint32_t shm = client.bind("wl_shm", 1);
  const std::uint32_t surface = client.new_id();
  client.put(compositor, 0, {surface});
  const std::uint32_t pool = client.new_id();
  const int shared = memory();
  client.give(shared);
  client.put(shm, 0, {pool, side * side * 4});
  const std::uint32_t buffer = client.new_id();
  client.put(pool, 0, {buffer, 0, side, side, side * 4, 0});
  client.roundtrip();
  const auto began = std::chrono::steady_clock::now();
  for (long i = 0; i < count; ++i) {
    if (what == "frame") {
      client.put(surface, 1, {buffer, 0, 0});
      client.put(surface, 2, {0, 0, side, side});
      client.put(surface, 6, {});
    } else if (what == "pool") {
      const std::uint32_t fresh = client.new_id();
      client.give(shared);
      client.put(shm, 0, {fresh, side * side * 4});
      client.put(fresh, 1, {});
    }
    client.roundtrip();
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  std::printf("%.1f\n", static_cast<double>(count) / took.count());
  return 0;
}

/// One read and its write; false at the end.
bool pass(int from, int to) {
  std::array<char, 65536> buffer;
  Control control;
  iovec piece{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.room.data();
  message.msg_controllen = control.room.size();
  const ssize_t got = ::recvmsg(from, &message, MSG_CMSG_CLOEXEC);
  if (got <= 0) return false;
  std::array<int, 28> descriptors{};
  std::size_t count = 0;
  if (const cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr) {
    count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    std::memcpy(descriptors.data(), CMSG_DATA(part), count * sizeof(int));
  }
  send_all(to, {buffer.data(), static_cast<std::size_t>(got)}, descriptors.data(), count);
  for (std::size_t i = 0; i < count; ++i) ::close(descriptors[i]);
  return true;
}

int relay(const char* listen, const char* connect) {
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un address = address_of(listen);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(listener, 64) != 0)
    die(listen);
  (void)std::signal(SIGCHLD, SIG_IGN);
  for (;;) {
    const int client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) die("accept");
    if (::fork() == 0) {
      const int server = connect_to(connect);
      std::array<pollfd, 2> both{{{client, POLLIN, 0}, {server, POLLIN, 0}}};
      while (::poll(both.data(), 2, -1) > 0)
        for (std::size_t i = 0; i < 2; ++i)
          if (both[i].revents != 0 && !pass(both[i].fd, both[1 - i].fd)) std::exit(0);
      std::exit(0);
    }
    ::close(client);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::string_view(argv[1]) == "relay") return relay(argv[2], argv[3]);
  if (argc == 4) return measure(argv[1], argv[2], std::atol(argv[3]));
  std::fprintf(stderr, "usage: xc-wayland-load sync|frame|pool DISPLAY COUNT | relay LISTEN CONNECT\n");
  return 64;
}
