#include "app/ask.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>

#include "base/pack.h"
#include "parse/json_in.h"
#include "sys/unix_message.h"
#include "sys/unix_socket.h"

namespace xc::app {
namespace {

constexpr std::chrono::seconds patience{2};

Result<Fd> connect_to(const registry::StateDir& state, const std::string& key, const char* name, sys::SocketKind kind) {
  const Fd file{::openat(state.containers(), (key + "/" + name).c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (!file) return fail_errno(Kind::kernel, std::string("its socket \"") + name + "\"", errno);
  return sys::connect_path(file, kind);
}

/// One piece, as far as it fits; Kind::again when nothing comes.
Result<std::size_t> next_piece(const Fd& socket, std::span<char> room, sys::Deadline deadline) {
  pollfd waiting{socket.get(), POLLIN, 0};
  if (::poll(&waiting, 1, sys::milliseconds_until(deadline)) <= 0) return fail(Kind::again, "it does not answer");
  const ssize_t got = ::recv(socket.get(), room.data(), room.size(), 0);
  if (got < 0) return fail_errno(Kind::kernel, "its answer", errno);
  return static_cast<std::size_t>(got);
}

}  // namespace

Result<shim::Status> ask_status(const registry::StateDir& state, const std::string& key) {
  const Fd socket = XC_TRY(connect_to(state, key, "status", sys::SocketKind::stream));
  std::string text;
  std::array<char, 4096> piece{};
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (const std::size_t got = XC_TRY(next_piece(socket, piece, deadline))) text.append(piece.data(), got);
  return parse::from_json<shim::Status>(text, "status of " + key);
}

Result<> give_order(const registry::StateDir& state, const std::string& key, const shim::Order& order,
                    std::span<const int> descriptors) {
  const Fd socket = XC_TRY(connect_to(state, key, "orders", sys::SocketKind::seqpacket));
  const std::string bytes = pack(order);
  if (bytes.size() > shim::largest_order)
    return fail(Kind::manifest, "the link's rules are too long to hand them to its shim");
  if (!XC_TRY(sys::send_message(socket.get(), bytes, descriptors))) return fail(Kind::again, "it takes no order now");
  std::array<char, 4096> room{};
  const std::size_t size = XC_TRY(next_piece(socket, room, std::chrono::steady_clock::now() + patience));
  const auto reply = XC_TRY(unpack<shim::Reply>({room.data(), size}));
  if (reply.kind == 0) return {};
  return fail(static_cast<Kind>(reply.kind), reply.error);
}

}  // namespace xc::app
