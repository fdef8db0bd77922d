// A client for tests, one act a call. Runs inside a test container, also as its very first process.
// It must never be installed.
//
//   get SOCKET PATH [HEADER...]     one GET; prints the body; 22 when the status is not 2xx (printed first)
//   raw SOCKET FILE                 sends the file's bytes, half-closes, prints what comes back
//   echo SOCKET TEXT                the same with TEXT
//   hold SOCKET TEXT                sends TEXT, prints what comes back until the other side ends; never closes first
//   pass SOCKET TEXT                a memfd that holds TEXT crosses the socket; prints the reply
//   fds SOCKET COUNT                one message with COUNT descriptors; prints "reply", "closed" or an errno
//   try SOCKET [KIND]               prints "connected" or the name of the errno; KIND is stream, seqpacket or dgram
//   bound SOCKET PATH NAME          as get, but the client's own end is bound to NAME
//   flood SOCKET COUNT MS           COUNT non-blocking connects, held for MS; prints how they went
//   throng SOCKET COUNT             COUNT connections, each waited for, held until it is killed; prints when all are
//   there churn SOCKET COUNT              COUNT times connect and close; prints how many succeeded stall SOCKET COUNT
//   MS           COUNT connections that ask for bytes without end and never read, held for MS donate SOCKET MEETING
//   connects to SOCKET and passes the connection to who listens at MEETING, then waits adopt MEETING PATH listens at
//   MEETING, uses the connection it is given for a GET, then waits for its end
#include <poll.h>
#include <sys/mman.h>

#include <map>

#include "test_socket.h"

namespace {

using namespace xc::test;
using xc::Fd;

std::string read_to_end(int socket) {
  std::string all;
  for (Received received = receive(socket); !received.bytes.empty(); received = receive(socket)) all += received.bytes;
  return all;
}

void print(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written <= 0) std::exit(1);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

const char* name_of_errno(int code) {
  const char* name = code == 0 ? "connected" : strerrorname_np(code);
  return name == nullptr ? "unknown" : name;
}

/// Prints the body (and the status line in front, unless it is 2xx).
int print_answer(const std::string& answer) {
  const bool good = answer.starts_with("HTTP/1.1 2");
  const std::size_t body = answer.find("\r\n\r\n");
  if (!good) print(answer.substr(0, answer.find("\r\n")) + "\n");
  if (body != std::string::npos) print(answer.substr(body + 4));
  return good ? 0 : 22;
}

std::string make_get(std::string_view path, int argc, char** argv, int first_header) {
  std::string request = "GET " + std::string(path) + " HTTP/1.1\r\nHost: service\r\nConnection: close\r\n";
  for (int i = first_header; i < argc; ++i) request += std::string(argv[i]) + "\r\n";
  return request + "\r\n";
}

int get(int argc, char** argv) {
  const Fd socket = dial(argv[2]);
  send_all(socket.get(), make_get(argv[3], argc, argv, 4));
  return print_answer(read_to_end(socket.get()));
}

int converse(const std::string& name, std::string_view bytes) {
  const Fd socket = dial(name);
  send_all(socket.get(), bytes);
  ::shutdown(socket.get(), SHUT_WR);
  print(read_to_end(socket.get()));
  return 0;
}

int raw(int, char** argv) {
  const Fd file(::open(argv[3], O_RDONLY | O_CLOEXEC));
  if (!file) die(argv[3]);
  std::string bytes;
  std::array<char, 65536> buffer;
  for (ssize_t got = 0; (got = ::read(file.get(), buffer.data(), buffer.size())) > 0;)
    bytes.append(buffer.data(), static_cast<std::size_t>(got));
  return converse(argv[2], bytes);
}

int echo(int, char** argv) {
  return converse(argv[2], argv[3]);
}

int hold(int, char** argv) {
  const Fd socket = dial(argv[2]);
  send_all(socket.get(), argv[3]);
  for (Received received = receive(socket.get()); !received.bytes.empty(); received = receive(socket.get()))
    print(received.bytes);
  print("ended\n");
  return 0;
}

Fd memory_with(std::string_view text) {
  Fd memory(::memfd_create("test", MFD_CLOEXEC));
  if (!memory || ::write(memory.get(), text.data(), text.size()) < 0) die("memfd");
  return memory;
}

int pass(int, char** argv) {
  const Fd socket = dial(argv[2]);
  const Fd memory = memory_with(argv[3]);
  if (!send_all(socket.get(), "take this\n", {memory.get()})) die("sendmsg");
  ::shutdown(socket.get(), SHUT_WR);
  print(read_to_end(socket.get()));
  return 0;
}

int fds(int, char** argv) {
  const Fd socket = dial(argv[2]);
  const Fd memory = memory_with("one of many");
  const std::vector<int> many(std::strtoul(argv[3], nullptr, 10), memory.get());
  if (!send_all(socket.get(), "many\n", many)) {
    print(std::string(name_of_errno(errno)) + "\n");
    return 0;
  }
  ::shutdown(socket.get(), SHUT_WR);
  const std::string reply = read_to_end(socket.get());
  print(reply.empty() ? "closed\n" : "reply\n" + reply);
  return 0;
}

int try_it(int argc, char** argv) {
  const std::string_view kind = argc > 3 ? argv[3] : "stream";
  const Fd socket = make_socket(kind == "seqpacket" ? SOCK_SEQPACKET : kind == "dgram" ? SOCK_DGRAM : SOCK_STREAM);
  print(std::string(name_of_errno(try_connect(socket, argv[2]))) + "\n");
  return 0;
}

int bound(int argc, char** argv) {
  const Fd socket = make_socket(SOCK_STREAM);
  sockaddr_un address;
  const socklen_t length = fill_address(address, argv[4]);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) die("bind");
  if (const int code = try_connect(socket, argv[2]); code != 0) {
    print(std::string(name_of_errno(code)) + "\n");
    return 1;
  }
  send_all(socket.get(), make_get(argv[3], argc, argv, 5));
  return print_answer(read_to_end(socket.get()));
}

int flood(int, char** argv) {
  std::map<std::string, unsigned> outcomes;
  std::vector<Fd> held;
  for (unsigned long i = std::strtoul(argv[3], nullptr, 10); i > 0; --i) {
    Fd socket = make_socket(SOCK_STREAM | SOCK_NONBLOCK);
    const int code = try_connect(socket, argv[2]);
    ++outcomes[name_of_errno(code)];
    if (code == 0) held.push_back(std::move(socket));
  }
  for (const auto& [name, count] : outcomes) std::printf("%s %u\n", name.c_str(), count);
  std::fflush(stdout);
  ::poll(nullptr, 0, std::atoi(argv[4]));
  return 0;
}

int throng(int, char** argv) {
  std::vector<Fd> held;
  for (unsigned long i = std::strtoul(argv[3], nullptr, 10); i > 0; --i) held.push_back(dial(argv[2]));
  print("connected\n");
  return ::poll(nullptr, 0, -1);
}

int churn(int, char** argv) {
  unsigned long connected = 0;
  const unsigned long count = std::strtoul(argv[3], nullptr, 10);
  for (unsigned long i = 0; i < count; ++i) connected += try_connect(make_socket(SOCK_STREAM), argv[2]) == 0 ? 1U : 0U;
  std::printf("connected %lu of %lu\n", connected, count);
  return 0;
}

int stall(int, char** argv) {
  std::vector<Fd> held;
  for (unsigned long i = std::strtoul(argv[3], nullptr, 10); i > 0; --i) {
    held.push_back(dial(argv[2]));
    send_all(held.back().get(), "FLOOD");
  }
  print("stalled\n");
  ::poll(nullptr, 0, std::atoi(argv[4]));
  return 0;
}

int donate(int, char** argv) {
  const Fd service = dial(argv[2]);
  const Fd meeting = dial(argv[3]);
  send_all(meeting.get(), "yours\n", {service.get()});
  ::poll(nullptr, 0, -1);
  return 0;
}

int adopt(int argc, char** argv) {
  const Fd listener = listen_on(argv[2]);
  const Fd meeting(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!meeting) die("accept4");
  const Received given = receive(meeting.get());
  if (given.descriptors.empty()) die("nothing was passed");
  std::string request = make_get(argv[3], argc, argv, 4);
  request.replace(request.find("Connection: close"), 17, "Connection: keep-alive");
  send_all(given.descriptors[0].get(), request);
  for (Received more = receive(given.descriptors[0].get()); !more.bytes.empty();
       more = receive(given.descriptors[0].get()))
    print(more.bytes);
  print("ended\n");
  return 0;
}

struct Act {
  int (*run)(int, char**);
  int least_arguments;
};

}  // namespace

int main(int argc, char** argv) {
  const std::map<std::string_view, Act> acts{{"get", {get, 4}},       {"raw", {raw, 4}},     {"echo", {echo, 4}},
                                             {"hold", {hold, 4}},     {"pass", {pass, 4}},   {"fds", {fds, 4}},
                                             {"try", {try_it, 3}},    {"bound", {bound, 5}}, {"flood", {flood, 5}},
                                             {"throng", {throng, 4}}, {"churn", {churn, 4}}, {"stall", {stall, 5}},
                                             {"donate", {donate, 4}}, {"adopt", {adopt, 4}}};
  const auto act = argc > 1 ? acts.find(argv[1]) : acts.end();
  if (act == acts.end() || argc < act->second.least_arguments) {
    std::fputs("usage: see the head of xc-test-client.cc\n", stderr);
    return 64;
  }
  return act->second.run(argc, argv);
}
