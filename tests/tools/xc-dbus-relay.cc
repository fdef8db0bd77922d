// Test tool: one D-Bus mediator between each accepted client and a real bus, one process per connection. It stands in
// for the shim's session, so that the mediator meets real buses and real clients by itself. Never installed.
//
//   xc-dbus-relay LISTEN BUS [--all] [--see=NAME] [--talk=NAME] [--own=NAME] [--call=NAME=RULE] [--broadcast=NAME=RULE]
//                 [--interface=NAME] [--write] [--no-introspect] [--fds=N]
// BUS may be "absent", "failed" or "denied". Prints "ready" when it listens; ends with its standard input.
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/text.h"
#include "mediate/mediator.h"

namespace {

using xc::Fd;
using xc::mediate::Stream;

constexpr int most_children = 128;
constexpr std::size_t most_descriptors = 253;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

sockaddr_un address(const std::string& path) {
  sockaddr_un name{};
  name.sun_family = AF_UNIX;
  if (path.size() >= sizeof name.sun_path) die("path too long");
  std::memcpy(name.sun_path, path.data(), path.size());
  return name;
}

/// Reads what there is; false at the end of the stream.
bool receive(int socket, Stream& into) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * most_descriptors)> control{};
  std::vector<Fd> descriptors;
  ssize_t got = 0;
  const std::uint64_t start = into.end_position();
  (void)into.fill(into.room(), [&](char* bytes, std::size_t size) {
    iovec part{bytes, size};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    for (cmsghdr* c = CMSG_FIRSTHDR(&message); got >= 0 && c != nullptr; c = CMSG_NXTHDR(&message, c)) {
      if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
      std::array<int, most_descriptors> numbers{};
      const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      std::memcpy(numbers.data(), CMSG_DATA(c), count * sizeof(int));
      for (std::size_t i = 0; i < count; ++i) descriptors.emplace_back(numbers[i]);
    }
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  });
  into.pin_at(start, std::move(descriptors));
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return false;
  return true;
}

/// Writes what it can: up to the next pinned descriptor, or from it. False when the peer is gone.
bool transmit(int socket, Stream& from) {
  std::string_view data = from.data();
  std::vector<Fd> descriptors;
  auto& pins = from.pins();
  if (!pins.empty() && pins.front().offset > from.position())
    data = data.substr(0, pins.front().offset - from.position());
  const bool carries = !pins.empty() && pins.front().offset == from.position();
  if (carries && pins.size() > 1) data = data.substr(0, pins[1].offset - from.position());
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * most_descriptors)> control{};
  iovec part{const_cast<char*>(data.data()), data.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  if (carries) {
    std::array<int, most_descriptors> numbers{};
    const std::size_t count = pins.front().descriptors.size();
    for (std::size_t i = 0; i < count; ++i) numbers[i] = pins.front().descriptors[i].get();
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    cmsghdr* c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(count * sizeof(int));
    std::memcpy(CMSG_DATA(c), numbers.data(), count * sizeof(int));
  }
  const ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) return errno == EAGAIN || errno == EINTR;
  from.consume(static_cast<std::size_t>(sent));
  return true;
}

/// One end of the relay: a socket, what was read from it, what is to be written to it.
struct End {
  int socket = -1;
  Stream in{};
  Stream out{};
};

short interest(const End& end) {
  int events = 0;
  if (end.in.room() > 0 && !end.in.ended()) events |= POLLIN;
  if (!end.out.empty()) events |= POLLOUT;
  return static_cast<short>(events);
}

/// Reads and writes what it can; true when anything moved, so that the mediator has to look again.
bool serve(End& end, short events) {
  const std::uint64_t before = end.in.end_position() + end.out.position();
  const bool ended = end.in.ended();
  if ((events & (POLLIN | POLLHUP | POLLERR)) != 0 && end.in.room() > 0 && !end.in.ended() &&
      !receive(end.socket, end.in))
    end.in.end();
  if (!end.out.empty() && !transmit(end.socket, end.out)) {
    end.out.consume(end.out.data().size());
    end.in.end();
  }
  return end.in.end_position() + end.out.position() != before || end.in.ended() != ended;
}

int relay(End& client, End& bus, xc::mediate::Mediator& mediator) {
  for (;;) {
    const auto result = mediator.advance({client.in, bus.out, bus.in, client.out});
    bool written = serve(client, 0);
    written = serve(bus, 0) || written;
    if (!result) {
      std::fprintf(stderr, "relay: %s\n", result.error().text.c_str());
      return 1;
    }
    if (client.out.finished() && bus.out.finished()) return 0;
    if (written) continue;
    if (bus.out.finished() && bus.socket >= 0) (void)::shutdown(bus.socket, SHUT_WR);
    std::array<pollfd, 2> wait = {{{client.socket, interest(client), 0}, {bus.socket, interest(bus), 0}}};
    if (wait[0].events == 0) wait[0].fd = -1;
    if (wait[1].events == 0) wait[1].fd = -1;
    const auto patience = mediator.patience();
    const int ready = ::poll(wait.data(), wait.size(), patience ? static_cast<int>(patience->count()) : -1);
    if (ready == 0) return 2;
    (void)serve(client, wait[0].revents);
    (void)serve(bus, wait[1].revents);
  }
}

struct Settings {
  xc::model::Rights rights{};
  std::string bus;
};

bool take_word(std::string_view word, xc::model::DbusRules& rules) {
  const std::size_t equals = word.find('=');
  const std::string_view name = word.substr(0, equals);
  const std::string value(equals == std::string_view::npos ? "" : word.substr(equals + 1));
  if (name == "--all") return rules.all = true;
  if (name == "--write") return rules.write = true;
  if (name == "--no-introspect") return !(rules.introspect = false);
  if (name == "--fds") {
    rules.fds = static_cast<std::uint32_t>(xc::text::parse_number(value).value_or(0));
    return true;
  }
  std::vector<std::string>* list = name == "--see"         ? &rules.see
                                   : name == "--talk"      ? &rules.talk
                                   : name == "--own"       ? &rules.own
                                   : name == "--call"      ? &rules.call
                                   : name == "--broadcast" ? &rules.broadcast
                                   : name == "--interface" ? &rules.interface
                                                           : nullptr;
  if (list != nullptr) list->push_back(value);
  return list != nullptr;
}

int serve_connection(int socket, const Settings& settings) {
  using xc::mediate::Upstream;
  const std::string name = "test";
  xc::mediate::Tally tally;
  End client{.socket = socket};
  End bus;
  Upstream upstream = settings.bus == "absent"   ? Upstream::absent
                      : settings.bus == "failed" ? Upstream::failed
                      : settings.bus == "denied" ? Upstream::denied
                                                 : Upstream::connected;
  const Fd owned(upstream == Upstream::connected ? ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1);
  bus.socket = owned.get();
  const sockaddr_un to = address(settings.bus);
  if (upstream == Upstream::connected && ::connect(bus.socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
    upstream = Upstream::failed;
  const auto mediator = xc::mediate::make_mediator({.type = xc::model::Type::dbus,
                                                    .client = name,
                                                    .role = name,
                                                    .service = name,
                                                    .rights = settings.rights,
                                                    .upstream = upstream,
                                                    .tally = tally});
  const int result = relay(client, bus, *mediator);
  if (std::getenv("XC_RELAY_TALLY") != nullptr)
    std::fprintf(stderr, "relay: messages=%llu refusals=%llu descriptors=%llu\n",
                 static_cast<unsigned long long>(tally.messages), static_cast<unsigned long long>(tally.refusals),
                 static_cast<unsigned long long>(tally.descriptors));
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  const std::span<char*> arguments(argv, static_cast<std::size_t>(argc));
  if (argc < 3) return 64;
  Settings settings{.bus = arguments[2]};
  xc::model::DbusRules rules;
  for (const char* word : arguments.subspan(3))
    if (!take_word(word, rules)) return 64;
  settings.rights.layers.push_back({{xc::model::RoleRules{.dbus = rules}}});
  const Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const sockaddr_un name = address(arguments[1]);
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0) die("bind");
  if (::listen(listener.get(), 64) != 0) die("listen");
  std::puts("ready");
  (void)std::fflush(stdout);
  int children = 0;
  std::array<pollfd, 2> wait = {{{listener.get(), POLLIN, 0}, {0, POLLIN, 0}}};
  while (wait[1].revents == 0) {  // the end of stdin is the end of us
    while (children > 0 && ::waitpid(-1, nullptr, WNOHANG) > 0) --children;
    wait[0].fd = children < most_children ? listener.get() : -1;
    if (::poll(wait.data(), wait.size(), 100) <= 0 || wait[0].revents == 0) continue;
    Fd client(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) continue;
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child < 0) die("fork");
    if (child > 0) {
      ++children;
      continue;
    }
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL);  // no relay outlives its test
    if (::getppid() != parent) return 0;
    return serve_connection(client.get(), settings);
  }
  return ::unlink(arguments[1]);  // PR_SET_PDEATHSIG ends the connections
}
