// A provider for tests: a REST service and a raw service on UNIX sockets. Runs inside a test container.
// It believes every byte it reads; it must never be installed.
//
//   xc-test-provider [--rest SOCKET] [--raw SOCKET] [--seqpacket SOCKET] [--name NAME] [--dump FILE] [--exit-after MS]
//
// REST answers every request with a JSON line: what was asked, who the mediator said the caller is, how many identity
// headers there were, how many requests this process has answered. `/big/N` adds N bytes of body, `/slow/MS` waits.
// Raw echoes bytes; a descriptor that arrives is read and its content sent back; "FLOOD" asks for bytes without end.
#include <poll.h>

#include <atomic>
#include <cctype>
#include <optional>
#include <thread>

#include "test_socket.h"

namespace {

using namespace xc::test;
using xc::Fd;

struct Settings {
  std::string rest, raw, seqpacket, name = "provider", dump;
  long exit_after = -1;
};

std::atomic<unsigned long> requests{0};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

struct Request {
  std::string method, path, client, role;
  unsigned identities = 0;
  std::size_t length = 0;
  bool chunked = false, close = false;
};

void read_field(Request& request, std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string name = lower(line.substr(0, colon));
  std::string value(line.substr(colon + 1));
  value.erase(0, value.find_first_not_of(" \t"));
  std::string canonical = name;
  for (char& c : canonical)
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '-';
  if (canonical.starts_with("x-pv-")) ++request.identities;
  if (name == "x-pv-client") request.client = value;
  if (name == "x-pv-role") request.role = value;
  if (name == "content-length") request.length = std::strtoul(value.c_str(), nullptr, 10);
  if (name == "transfer-encoding" && lower(value).find("chunked") != std::string::npos) request.chunked = true;
  if (name == "connection" && lower(value).find("close") != std::string::npos) request.close = true;
}

Request read_head(std::string_view head) {
  Request request;
  const std::string_view first = head.substr(0, head.find("\r\n"));
  const std::size_t one = first.find(' ');
  const std::size_t two = first.rfind(' ');
  request.method = first.substr(0, one);
  if (one != std::string_view::npos && two > one) request.path = first.substr(one + 1, two - one - 1);
  request.close = first.ends_with("HTTP/1.0");
  for (std::size_t at = first.size() + 2; at < head.size();) {
    std::size_t end = head.find("\r\n", at);
    if (end == std::string_view::npos) end = head.size();
    read_field(request, head.substr(at, end - at));
    at = end + 2;
  }
  return request;
}

/// Bytes that arrived and were not used yet.
struct Input {
  int socket;
  std::string bytes;
  bool more() {
    Received received = receive(socket);
    bytes += received.bytes;
    return !received.bytes.empty();
  }
};

/// Up to and with the first `mark`; nothing when the peer left.
std::optional<std::string> take_until(Input& input, std::string_view mark) {
  std::size_t at = 0;
  while ((at = input.bytes.find(mark)) == std::string::npos)
    if (!input.more()) return std::nullopt;
  std::string taken = input.bytes.substr(0, at + mark.size());
  input.bytes.erase(0, taken.size());
  return taken;
}

bool drop(Input& input, std::size_t count) {
  while (count > 0) {
    if (input.bytes.empty() && !input.more()) return false;
    const std::size_t part = std::min(count, input.bytes.size());
    input.bytes.erase(0, part);
    count -= part;
  }
  return true;
}

/// Reads the body away; its size, or nothing when the peer left.
std::optional<std::size_t> read_body(Input& input, const Request& request) {
  if (!request.chunked) return drop(input, request.length) ? std::optional(request.length) : std::nullopt;
  std::size_t total = 0;
  while (true) {
    const std::optional<std::string> line = take_until(input, "\r\n");
    if (!line) return std::nullopt;
    const std::size_t size = std::strtoul(line->c_str(), nullptr, 16);
    if (!drop(input, size)) return std::nullopt;
    if (size == 0) break;
    if (!drop(input, 2)) return std::nullopt;
    total += size;
  }
  for (std::optional<std::string> line; (line = take_until(input, "\r\n")) && line->size() > 2;) {
  }
  return total;
}

std::string answer(const Request& request, const Settings& settings, std::size_t body, std::string_view extra) {
  std::string json = "{\"provider\":\"" + settings.name + "\",\"method\":\"" + request.method + "\",\"path\":\"" +
                     request.path + "\",\"client\":\"" + request.client + "\",\"role\":\"" + request.role +
                     "\",\"identities\":" + std::to_string(request.identities) + ",\"body\":" + std::to_string(body) +
                     ",\"requests\":" + std::to_string(++requests) + "}\n";
  json += extra;
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(json.size()) +
         "\r\n\r\n" + (request.method == "HEAD" ? "" : json);
}

void append(const std::string& file, std::string_view text) {
  if (file.empty()) return;
  const Fd out(::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!out || ::write(out.get(), text.data(), text.size()) < 0) std::perror("dump");
}

void serve_rest(const Fd& socket, const Settings& settings) {
  Input input{socket.get(), {}};
  while (const std::optional<std::string> head = take_until(input, "\r\n\r\n")) {
    append(settings.dump, *head);
    const Request request = read_head(*head);
    const std::optional<std::size_t> body = read_body(input, request);
    if (!body) return;
    std::string extra;
    if (request.path.starts_with("/big/")) extra.assign(std::strtoul(request.path.c_str() + 5, nullptr, 10), 'x');
    if (request.path.starts_with("/slow/")) ::poll(nullptr, 0, std::atoi(request.path.c_str() + 6));
    if (!send_all(socket.get(), answer(request, settings, *body, extra)) || request.close) return;
  }
}

std::string content_of(const Fd& descriptor) {
  std::array<char, 4096> buffer;
  const ssize_t got = ::pread(descriptor.get(), buffer.data(), buffer.size(), 0);
  if (got < 0) return std::string("not readable: ") + std::strerror(errno);
  return {buffer.data(), static_cast<std::size_t>(got)};
}

void serve_raw(const Fd& socket) {
  while (true) {
    const Received received = receive(socket.get());
    if (received.bytes.empty()) return;
    std::string reply;
    for (const Fd& descriptor : received.descriptors) reply += "descriptor: " + content_of(descriptor) + "\n";
    reply += received.bytes;
    if (!send_all(socket.get(), reply)) return;
    if (received.bytes.starts_with("FLOOD"))
      while (send_all(socket.get(), std::string(65536, 'f'))) {
      }
  }
}

template <class Serve>
void accept_forever(Fd listener, Serve serve) {
  std::thread([listener = std::move(listener), serve] {
    while (true) {
      Fd socket(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!socket) continue;
      std::thread([socket = std::move(socket), serve] { serve(socket); }).detach();
    }
  }).detach();
}

Settings read_arguments(int argc, char** argv) {
  Settings settings;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view option = argv[i];
    if (option == "--rest")
      settings.rest = argv[i + 1];
    else if (option == "--raw")
      settings.raw = argv[i + 1];
    else if (option == "--seqpacket")
      settings.seqpacket = argv[i + 1];
    else if (option == "--name")
      settings.name = argv[i + 1];
    else if (option == "--dump")
      settings.dump = argv[i + 1];
    else if (option == "--exit-after")
      settings.exit_after = std::atol(argv[i + 1]);
    else
      std::exit(64);
  }
  return settings;
}

}  // namespace

int main(int argc, char** argv) {
  const Settings settings = read_arguments(argc, argv);
  if (!settings.rest.empty())
    accept_forever(listen_on(settings.rest), [&settings](const Fd& socket) { serve_rest(socket, settings); });
  if (!settings.raw.empty()) accept_forever(listen_on(settings.raw), [](const Fd& socket) { serve_raw(socket); });
  if (!settings.seqpacket.empty())
    accept_forever(listen_on(settings.seqpacket, SOCK_SEQPACKET), [](const Fd& socket) { serve_raw(socket); });
  std::puts("ready");
  std::fflush(stdout);
  ::poll(nullptr, 0, static_cast<int>(settings.exit_after));
  std::_Exit(0);
}
