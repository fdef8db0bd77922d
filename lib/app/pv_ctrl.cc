// A question to Pantavisor's pv-ctrl. Runs in xc-inject.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "app/graph.h"
#include "base/text.h"
#include "reader/reader.h"
#include "sys/child.h"
#include "sys/unix_socket.h"

namespace xc::app {
namespace {

constexpr std::chrono::seconds patience{5};
constexpr std::size_t most_answer = 1024UL * 1024;
constexpr std::string_view question = "GET /xconnect-graph HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// The bytes that its head announces behind the blank line, when it says so.
std::optional<std::size_t> announced(std::string_view head) {
  for (const std::string_view line : text::split(head, '\n')) {
    std::string lower;
    for (const char c : line) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (!lower.starts_with("content-length:")) continue;
    const auto first = lower.find_first_of("0123456789");
    const auto digits =
        first == std::string::npos ? "" : lower.substr(first, lower.find_first_not_of("0123456789", first) - first);
    if (const auto number = text::parse_number(digits)) return static_cast<std::size_t>(*number);
  }
  return std::nullopt;
}

/// The whole answer: to the end of the stream, or as long as its head says.
Result<std::string> read_answer(const Fd& socket) {
  std::string text;
  std::array<char, 16384> piece{};
  for (const auto deadline = std::chrono::steady_clock::now() + patience;;) {
    if (const auto end = text.find("\r\n\r\n"); end != std::string::npos)
      if (const auto length = announced(std::string_view(text).substr(0, end));
          length && text.size() - end - 4 >= *length)
        return text;
    pollfd waiting{socket.get(), POLLIN, 0};
    const int ready = ::poll(&waiting, 1, sys::milliseconds_until(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return fail(Kind::again, "pv-ctrl does not answer");
    const ssize_t got = ::recv(socket.get(), piece.data(), piece.size(), 0);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return fail_errno(Kind::kernel, "pv-ctrl", errno);
    if (got == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(got));
    if (text.size() > most_answer) return fail(Kind::manifest, "pv-ctrl answers more than 1 MiB");
  }
}

}  // namespace

Result<model::Graph> graph_of_pv_ctrl(const std::string& path) {
  const Fd file{::open(path.c_str(), O_PATH | O_CLOEXEC)};
  if (!file) return fail_errno(Kind::usage, path, errno);
  const Fd socket = XC_TRY_IN(path, sys::connect_path(file, sys::SocketKind::stream));
  if (::send(socket.get(), question.data(), question.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(question.size()))
    return fail_errno(Kind::kernel, path, errno);
  const std::string answer = XC_TRY_IN(path, read_answer(socket));
  const auto end = answer.find("\r\n\r\n");
  if (!answer.starts_with("HTTP/1.") || end == std::string::npos || answer.size() < 12)
    return fail(Kind::manifest, path + ": what answers there does not speak HTTP");
  const std::string status = answer.substr(9, 3);
  if (status != "200")
    return fail(Kind::policy, path + ": pv-ctrl answers with status " + text::quoted(status) +
                                  (status == "403" ? "; only the host and containers with role mgmt may ask" : ""));
  auto reader = XC_TRY(reader::Reader::start());
  return reader.graph(answer.substr(end + 4), "xconnect-graph");
}

}  // namespace xc::app
