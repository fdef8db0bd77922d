// See unix_socket.h.
#include "sys/unix_socket.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "base/text.h"
#include "sys/proc.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77  // linux/socket.h of 6.5
#endif
#ifndef SO_PASSRIGHTS
#define SO_PASSRIGHTS 83  // of 6.16
#endif

namespace xc::sys {
namespace {

constexpr std::size_t longest_name = sizeof(sockaddr_un::sun_path) - 1;

Result<Fd> new_socket(SocketKind kind) {
  Fd made{::socket(AF_UNIX, type_of(kind) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!made) return fail_errno(Kind::kernel, "socket", errno);
  return made;
}

Result<> start_listening(const Fd& socket, SocketKind kind, int backlog) {
  if (kind != SocketKind::dgram && ::listen(socket.get(), backlog) != 0)
    return fail_errno(Kind::kernel, "listen", errno);
  return {};
}

Result<Fd> connected(const UnixAddress& address, SocketKind kind) {
  Fd made = XC_TRY(new_socket(kind));
  int code = 0;
  do code = ::connect(made.get(), address.get(), address.size()) == 0 ? 0 : errno;
  while (code == EINTR);
  if (code != 0) return fail_errno(Kind::kernel, "connect", code);
  return made;
}

/// Owner and mode of the entry just bound. The mode comes last: it lets others in.
Result<> hand_over(int directory, const std::string& name, const ListenOptions& options) {
  const Fd entry{::openat(directory, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (!entry) return fail_errno(Kind::kernel, "opening the socket's entry", errno);
  if (::fchownat(entry.get(), "", options.owner.uid, options.owner.gid, AT_EMPTY_PATH) != 0)
    return fail_errno(Kind::kernel, "chown", errno);
  if (::chmod(host_name_of(entry.get()).c_str(), options.mode) != 0) return fail_errno(Kind::kernel, "chmod", errno);
  return {};
}

/// True when the socket option is unknown to the kernel.
bool is_unknown(int code) {
  return code == ENOPROTOOPT || code == EOPNOTSUPP;
}

}  // namespace

int type_of(SocketKind kind) {
  switch (kind) {
    case SocketKind::seqpacket: return SOCK_SEQPACKET;
    case SocketKind::dgram: return SOCK_DGRAM;
    case SocketKind::stream:
    case SocketKind::count_: break;
  }
  return SOCK_STREAM;
}

UnixAddress::UnixAddress(std::string_view name, bool abstract) {
  address_.sun_family = AF_UNIX;
  std::memcpy(address_.sun_path + (abstract ? 1 : 0), name.data(), name.size());
  // A path counts its terminating zero, an abstract name its leading one.
  size_ = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + 1);
}

Result<UnixAddress> UnixAddress::path(std::string_view path) {
  if (path.empty() || path.size() > longest_name || path.find('\0') != std::string_view::npos)
    return fail(Kind::internal,
                "a socket's path must have 1 to 107 bytes, none of them zero: " + text::printable(path));
  return UnixAddress(path, false);
}

Result<UnixAddress> UnixAddress::abstract(std::string_view name) {
  if (name.empty() || name.size() > longest_name)
    return fail(Kind::internal, "an abstract socket name must have 1 to 107 bytes: @" + text::printable(name));
  return UnixAddress(name, true);
}

Result<UnixAddress> UnixAddress::padded(std::string_view name) {
  UnixAddress address = XC_TRY(abstract(name));
  address.size_ = sizeof address.address_;
  return address;
}

Result<Fd> listen_at(int directory, const std::string& name, const ListenOptions& options) {
  if (name.empty() || name.find('/') != std::string::npos)
    return fail(Kind::internal, "not a name of a directory's entry: " + text::printable(name));
  const UnixAddress address = XC_TRY(UnixAddress::path(host_name_of(directory) + "/" + name));
  Fd socket = XC_TRY_IN(text::printable(name), new_socket(options.kind));
  // bind(2) gives the entry the mode of the socket, so nobody can come in before hand_over().
  if (::fchmod(socket.get(), 0600) != 0) return fail_errno(Kind::kernel, text::printable(name) + ": fchmod", errno);
  if (::bind(socket.get(), address.get(), address.size()) != 0)
    return fail_errno(Kind::kernel, text::printable(name) + ": bind", errno);
  Result<> done = start_listening(socket, options.kind, options.backlog);
  if (done) done = hand_over(directory, name, options);
  if (done) return socket;
  (void)::unlinkat(directory, name.c_str(), 0);
  return std::unexpected(in_context(text::printable(name), std::move(done).error()));
}

Result<std::string> bound_name(int socket) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return fail_errno(Kind::kernel, "getsockname", errno);
  const std::string path(address.sun_path, ::strnlen(address.sun_path, sizeof address.sun_path));
  return path.substr(path.rfind('/') + 1);
}

Result<Fd> listen_abstract(const UnixAddress& name, SocketKind kind, int backlog) {
  Fd socket = XC_TRY(new_socket(kind));
  if (::bind(socket.get(), name.get(), name.size()) != 0) return fail_errno(Kind::kernel, "bind", errno);
  XC_CHECK(start_listening(socket, kind, backlog));
  return socket;
}

Result<Fd> connect_path(const Fd& socket_file, SocketKind kind) {
  struct stat facts{};
  if (::fstat(socket_file.get(), &facts) != 0) return fail_errno(Kind::kernel, "fstat", errno);
  if (!S_ISSOCK(facts.st_mode)) return fail_errno(Kind::kernel, "connect", ENOTSOCK);
  return connected(XC_TRY(UnixAddress::path(host_name_of(socket_file.get()))), kind);
}

Result<Fd> connect_abstract(std::string_view name, SocketKind kind) {
  return connected(XC_TRY(UnixAddress::abstract(name)), kind);
}

Result<> prepare_packets(int socket) {
  const int on = 1;
  if (::setsockopt(socket, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof on) != 0)
    return fail_errno(Kind::kernel, "SO_TIMESTAMP", errno);
  const int most = 1 << 30;  // cut to net.core.wmem_max, like every sender's that has no special right
  (void)::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &most, sizeof most);
  return {};
}

Result<Credentials> peer_credentials(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return fail_errno(Kind::kernel, "SO_PEERCRED", errno);
  // A socket without a peer answers with ids of -1; that is nobody, and nobody is not to be taken for somebody.
  if (size != sizeof peer || peer.uid == static_cast<uid_t>(-1))
    return fail_errno(Kind::kernel, "SO_PEERCRED", ENODATA);
  return Credentials{peer.pid, peer.uid, peer.gid};
}

Result<std::optional<Fd>> peer_pidfd(int socket) {
  int number = -1;
  socklen_t size = sizeof number;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &number, &size) != 0) {
    if (is_unknown(errno)) return std::nullopt;
    return fail_errno(Kind::kernel, "SO_PEERPIDFD", errno);
  }
  return Fd{number};
}

Result<bool> refuse_descriptors(int socket) {
  const int off = 0;
  if (::setsockopt(socket, SOL_SOCKET, SO_PASSRIGHTS, &off, sizeof off) == 0) return true;
  if (is_unknown(errno)) return false;
  return fail_errno(Kind::kernel, "SO_PASSRIGHTS", errno);
}

}  // namespace xc::sys
