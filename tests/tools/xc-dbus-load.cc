// Load for the D-Bus benchmark: a service that echoes, and a client that counts. Prints one number. Never installed.
//
//   xc-dbus-load serve   SOCKET                      owns org.pv.Echo, answers every call with what it carried;
//   Flood(u)
//                                                    sends so many signals first
//   xc-dbus-load call    SOCKET COUNT DEPTH BYTES    microseconds a call, DEPTH of them under way
//   xc-dbus-load fds     SOCKET COUNT                the same with a descriptor in each, one under way
//   xc-dbus-load signals SOCKET COUNT                microseconds a signal
//   xc-dbus-load session SOCKET COUNT                microseconds to connect, log in and have an answer of the service
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/text.h"
#include "mediate/dbus_message.h"
#include "mediate/dbus_syntax.h"

namespace {

using namespace xc::mediate::dbus;
using xc::Fd;

constexpr std::string_view echo_name = "org.pv.Echo";

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

struct Heard {
  Header header;  // its views are good until the next one is taken
  std::string_view body;
  std::vector<Fd> descriptors;
};

/// A connection to a bus, blocking.
class Peer {
 public:
  explicit Peer(const char* path) : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    std::string claim;
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, path, sizeof name.sun_path - 1);
    if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) die("connect");
    write(std::string_view("\0", 1));
    for (const char digit : xc::text::number(std::uint64_t{::getuid()})) claim += {'3', digit};
    for (const std::string& line : {"AUTH EXTERNAL " + claim, std::string("NEGOTIATE_UNIX_FD")}) {  // as libdbus does
      write(line + "\r\n");
      while (!in_.ends_with('\n')) fill();
      in_.clear();
    }
    write("BEGIN\r\n");
    ask_bus("Hello", "", {});
  }

  void write(std::string_view bytes, int descriptor = -1) {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
    while (!bytes.empty()) {
      iovec part{const_cast<char*>(bytes.data()), bytes.size()};
      msghdr message{};
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      if (descriptor >= 0) {
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        cmsghdr* c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        std::memcpy(CMSG_DATA(c), &descriptor, sizeof descriptor);
      }
      const ssize_t sent = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
      if (sent <= 0) die("sendmsg");
      descriptor = -1;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  void call(std::string_view name, std::string_view member, std::string_view signature, std::string_view body,
            int descriptor = -1) {
    Header header;
    header.serial = ++serial_;
    header.destination = name;
    header.interface = name;
    header.member = member;
    header.path = name == bus_name ? bus_path : "/org/pv/Echo";
    header.signature = signature;
    header.descriptors = descriptor >= 0 ? 1 : 0;
    write(write_message(header, body), descriptor);
  }

  /// The next message.
  Heard next() {
    if (taken_ > 0) in_.erase(0, std::exchange(taken_, 0));
    for (;;) {
      if (in_.size() >= measurable) {
        const auto extent = measure(in_);
        if (!extent) die("measure");
        taken_ = extent->header + extent->body;
        if (in_.size() >= taken_) {
          Heard heard{*parse_header(std::string_view(in_).substr(0, extent->header)),
                      std::string_view(in_).substr(extent->header, extent->body),
                      {}};
          for (std::uint32_t i = 0; i < heard.header.descriptors; ++i) {
            heard.descriptors.push_back(std::move(descriptors_.front()));
            descriptors_.erase(descriptors_.begin());
          }
          return heard;
        }
        taken_ = 0;
      }
      fill();
    }
  }

  /// Waits for the reply to the last call.
  void wait() {
    for (;;) {
      const Heard heard = next();
      if (heard.header.reply_serial != serial_) continue;
      if (heard.header.type != MessageType::reply) die("an error came back");
      return;
    }
  }

  void ask_bus(std::string_view member, std::string_view signature, std::string_view body) {
    call(bus_name, member, signature, body);
    wait();
  }

 private:
  void fill() {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * 64)> control{};
    const std::size_t before = in_.size();
    in_.resize(before + 65536);
    iovec part{in_.data() + before, 65536};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t got = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
    if (got <= 0) die("recvmsg");
    in_.resize(before + static_cast<std::size_t>(got));
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
      for (std::size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); ++i) {
        int number = -1;
        std::memcpy(&number, CMSG_DATA(c) + i * sizeof(int), sizeof number);
        descriptors_.emplace_back(number);
      }
    }
  }

  Fd socket_;
  std::string in_;
  std::size_t taken_ = 0;
  std::vector<Fd> descriptors_;
  std::uint32_t serial_ = 0;
};

void flood(Peer& peer, std::uint32_t count) {
  Header signal;
  signal.type = MessageType::signal;
  signal.interface = echo_name;
  signal.member = "Tick";
  signal.path = "/org/pv/Echo";
  signal.serial = 7;
  signal.signature = "s";
  const std::string one = write_message(signal, string_body(signal.order, "sixteen bytes..."));
  std::string some;
  for (std::uint32_t i = 0; i < count; ++i) {
    some += one;
    if (some.size() > 32768 || i + 1 == count) peer.write(std::exchange(some, {}));
  }
}

[[noreturn]] void serve(const char* path) {
  Peer peer(path);
  Writer name(Order::little);
  name.string(echo_name);
  name.uint32(0);
  peer.ask_bus("RequestName", "su", name.take());
  std::puts("ready");
  (void)std::fflush(stdout);
  for (;;) {
    const Heard heard = peer.next();
    if (heard.header.type != MessageType::call) continue;
    if (heard.header.member == "Flood") flood(peer, Reader(heard.body, heard.header.order).uint32());
    Header reply;
    reply.type = MessageType::reply;
    reply.order = heard.header.order;
    reply.serial = 7;
    reply.reply_serial = heard.header.serial;
    reply.destination = heard.header.sender;
    reply.signature = heard.header.signature;
    reply.descriptors = heard.header.descriptors;
    peer.write(write_message(reply, heard.body), heard.descriptors.empty() ? -1 : heard.descriptors.front().get());
  }
}

void call(Peer& peer, std::uint64_t count, std::uint64_t depth, std::size_t bytes) {
  const std::string body = string_body(Order::little, std::string(bytes, 'x'));
  std::uint64_t sent = 0;
  for (; sent < depth && sent < count; ++sent) peer.call(echo_name, "Echo", "s", body);
  for (std::uint64_t heard = 0; heard < count;) {
    if (peer.next().header.type != MessageType::reply) continue;
    ++heard;
    if (sent < count) ++sent, peer.call(echo_name, "Echo", "s", body);
  }
}

void pass_descriptors(Peer& peer, std::uint64_t count) {
  std::array<char, 4> index{};
  for (std::uint64_t i = 0; i < count; ++i) {
    peer.call(echo_name, "Echo", "h", {index.data(), index.size()}, STDIN_FILENO);
    peer.wait();
  }
}

void hear(Peer& peer, std::uint32_t count) {
  peer.ask_bus("AddMatch", "s", string_body(Order::little, "type='signal',interface='org.pv.Echo'"));
  Writer number(Order::little);
  number.uint32(count);
  peer.call(echo_name, "Flood", "u", number.take());
  for (std::uint32_t heard = 0; heard < count;)
    if (peer.next().header.member == "Tick") ++heard;
}

void open_session(const char* path) {
  Peer peer(path);
  peer.call(echo_name, "Echo", "", {});
  peer.wait();
}

std::uint64_t number(const char* text) {
  return xc::text::parse_number(text).value_or(1);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 64;
  const std::string_view verb = argv[1];
  if (verb == "serve") serve(argv[2]);
  const std::uint64_t count = argc > 3 ? number(argv[3]) : 1;
  const auto began = std::chrono::steady_clock::now();
  if (verb == "session") {
    for (std::uint64_t i = 0; i < count; ++i) open_session(argv[2]);
  } else {
    Peer peer(argv[2]);
    if (verb == "call" && argc > 5) call(peer, count, number(argv[4]), number(argv[5]));
    if (verb == "fds") pass_descriptors(peer, count);
    if (verb == "signals") hear(peer, static_cast<std::uint32_t>(count));
  }
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - began;
  std::printf("%.3f\n", took.count() / static_cast<double>(count));
  return 0;
}
