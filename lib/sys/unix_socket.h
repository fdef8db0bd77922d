// Unix sockets by descriptor: made in our own state directory, connected through the inode that was resolved (R06),
// never through a name that can be exchanged. Runs in the hook and in the monitor, which stay in the host's mount
// namespace.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/un.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "sys/owner.h"

namespace xc::sys {

enum class SocketKind : std::uint8_t { stream, seqpacket, dgram, count_ };
[[nodiscard]] int type_of(SocketKind kind);

/// A name as the kernel takes it, with its exact length: an abstract name is every byte of it (unix(7)).
class UnixAddress {
 public:
  /// A path of 1 to 107 bytes without a zero byte.
  [[nodiscard]] static Result<UnixAddress> path(std::string_view path);
  /// An abstract name of 1 to 107 bytes, without the '@' it is written with.
  [[nodiscard]] static Result<UnixAddress> abstract(std::string_view name);
  /// The same filled up with zero bytes to all of sun_path: another name, which older programs mean (QEMU's tight=off).
  [[nodiscard]] static Result<UnixAddress> padded(std::string_view name);

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
  [[nodiscard]] socklen_t size() const { return size_; }

 private:
  UnixAddress(std::string_view name, bool abstract);
  sockaddr_un address_{};
  socklen_t size_ = 0;
};

struct ListenOptions {
  SocketKind kind = SocketKind::stream;
  int backlog = 128;
  mode_t mode = 0600;
  Owner owner = {};
};

/// A new socket, non-blocking, bound to the entry `name` of `directory` (borrowed; its own path may be of any length)
/// and listening (a datagram socket only bound). Until the end only root may connect; then owner and mode are as asked.
/// A name that is taken is an error (EADDRINUSE): nothing is removed. On an error the entry made is removed. Nobody
/// else may be able to write in `directory`.
[[nodiscard]] Result<Fd> listen_at(int directory, const std::string& name, const ListenOptions& options);

/// The entry's name that listen_at() bound `socket` to.
[[nodiscard]] Result<std::string> bound_name(int socket);

/// A new non-blocking listening socket (a datagram socket only bound) at an abstract name in the network namespace of
/// the calling process. A name that is taken is an error (EADDRINUSE): whoever holds it lives.
[[nodiscard]] Result<Fd> listen_abstract(const UnixAddress& name, SocketKind kind, int backlog);

/// A non-blocking socket connected to the very inode that `socket_file` (O_PATH, borrowed) holds. Not a socket, nobody
/// listening, another kind of socket, or a full backlog (EAGAIN) are errors that keep their errno.
[[nodiscard]] Result<Fd> connect_path(const Fd& socket_file, SocketKind kind);

/// The same for an abstract name in the network namespace of the calling process.
[[nodiscard]] Result<Fd> connect_abstract(std::string_view name, SocketKind kind);

/// Readies a connected socket that keeps message boundaries for a relay: each message has a time from now on (so an
/// empty one differs from the end of the connection), and the longest one possible here may be sent. An error means
/// that the end could not be told.
[[nodiscard]] Result<> prepare_packets(int socket);

struct Credentials {
  pid_t pid = 0;  ///< in our pid namespace; 0 when it lives outside; may be another's by now (R21)
  uid_t uid = 0;
  gid_t gid = 0;
};
/// Who connected, or for a connected client, who called listen (SO_PEERCRED).
[[nodiscard]] Result<Credentials> peer_credentials(int socket);

/// The same process as a pidfd; nothing where the kernel (before 6.5) cannot tell. An error when the peer has ended.
[[nodiscard]] Result<std::optional<Fd>> peer_pidfd(int socket);

/// Lets senders to `socket` and to what it accepts fail when they pass descriptors (SO_PASSRIGHTS 0). False where the
/// kernel (before 6.16) does not have it; receive_message() with limit 0 is the guard that always holds.
[[nodiscard]] Result<bool> refuse_descriptors(int socket);

}  // namespace xc::sys
