// See given.h.
#include "app/given.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "base/text.h"
#include "model/address.h"
#include "model/meeting.h"
#include "model/service.h"
#include "parse/json_in.h"
#include "plan/variables.h"
#include "sys/net_visit.h"
#include "sys/unix_message.h"
#include "sys/unix_socket.h"

namespace xc::app {
namespace {

constexpr int first = 3;  // SD_LISTEN_FDS_START

/// What the rendezvous socket hands over: the connection, and with its first byte the line that describes it. What
/// cannot be read describes nothing; the connection is as good.
Result<Reached> take_from(const Fd& meeting) {
  std::array<char, 4096> line{};
  auto received = XC_TRY(sys::receive_message(meeting.get(), line, 2));
  if (!received || received->descriptors.empty())
    return fail(Kind::again, "nothing was handed over: the service's provider is not there, or refuses");
  const auto said = parse::from_json<model::Meeting>(std::string_view(line.data(), received->size), "the description");
  const bool wayland = said && said->type == model::name_of(model::Type::wayland);
  return Reached{std::move(received->descriptors.front()), wayland};
}

Result<Fd> connect_by_path(const std::string& path, sys::SocketKind kind) {
  const Fd file{::open(path.c_str(), O_PATH | O_CLOEXEC)};
  if (!file) return fail_errno(Kind::plant, path, errno);
  return XC_TRY_IN(path, sys::connect_path(file, kind));
}

Result<Reached> connect_anyhow(const std::string& address, sys::SocketKind kind) {
  if (const auto port = model::port_of(address)) return Reached{XC_TRY_IN(address, sys::connect_loopback(*port))};
  if (address.starts_with('@'))
    return Reached{
        XC_TRY_IN(text::printable(address), sys::connect_abstract(std::string_view(address).substr(1), kind))};
  const auto rendezvous = model::rendezvous_of(address);
  if (!rendezvous) return Reached{XC_TRY(connect_by_path(address, kind))};
  const Fd meeting = XC_TRY(connect_by_path(*rendezvous, kind));
  XC_CHECK(make_blocking(meeting));
  return XC_TRY_IN(address, take_from(meeting));
}

void name_listeners(const std::vector<Given>& listening) {
  if (listening.empty()) return;
  std::vector<std::string> names;
  for (const Given& one : listening) names.push_back(one.service);
  ::setenv("LISTEN_FDS", text::number(std::uint64_t{listening.size()}).c_str(), 1);
  ::setenv("LISTEN_PID", text::number(::getpid()).c_str(), 1);
  ::setenv("LISTEN_FDNAMES", text::join(names, ":").c_str(), 1);
}

}  // namespace

std::string variable_of(const std::string& service) {
  return plan::variable_for(service, "FD");
}

Result<> make_blocking(const Fd& socket) {
  const int flags = ::fcntl(socket.get(), F_GETFL);
  if (flags < 0 || ::fcntl(socket.get(), F_SETFL, flags & ~O_NONBLOCK) != 0)
    return fail_errno(Kind::kernel, "F_SETFL", errno);
  return {};
}

Result<Reached> connect_to(const std::string& address, bool packets) {
  auto reached = XC_TRY(connect_anyhow(address, packets ? sys::SocketKind::seqpacket : sys::SocketKind::stream));
  XC_CHECK(make_blocking(reached.socket));
  return reached;
}

std::unexpected<Error> become(const std::vector<std::string>& command, const std::vector<Given>& listening,
                              const std::vector<Given>& connected) {
  // First above all places, so that no dup2 overwrites a descriptor that is still to be moved.
  const int above = first + static_cast<int>(listening.size() + connected.size());
  std::vector<int> moved;
  for (const auto* list : {&listening, &connected})
    for (const Given& one : *list) moved.push_back(::fcntl(one.socket.get(), F_DUPFD_CLOEXEC, above));
  int place = first;
  for (const int number : moved)
    if (number < 0 || ::dup2(number, place++) < 0) return fail_errno(Kind::kernel, "dup2", errno);
  name_listeners(listening);
  place = first + static_cast<int>(listening.size());
  bool display = false;
  for (const Given& one : connected) {
    ::setenv(variable_of(one.service).c_str(), text::number(place).c_str(), 1);
    if (one.wayland && !std::exchange(display, true)) ::setenv("WAYLAND_SOCKET", text::number(place).c_str(), 1);
    ++place;
  }
  std::vector<char*> words;
  for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  ::execvp(words.front(), words.data());
  return fail_errno(Kind::usage, command.front(), errno);
}

}  // namespace xc::app
