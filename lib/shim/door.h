// The way from a link to its provider, looked up anew for every connection: who offers the service now, is that
// container still the one the registry names, what may this link do there. Runs in the monitor. Reads no byte of
// anybody: it resolves, connects and checks who listens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "grant/effective.h"
#include "mediate/mediator.h"
#include "model/link.h"
#include "model/plan.h"
#include "registry/providers.h"
#include "shim/ward.h"
#include "sys/borrowed_ids.h"
#include "sys/proc.h"
#include "sys/unix_socket.h"

namespace xc::shim {

struct Admission;

/// What all doors of one monitor share; outlives them.
struct Street {
  std::string consumer;
  std::string key;  ///< of its entry in the state directory
  const sys::Proc& proc;
  const std::vector<model::Offered>& host;  ///< the host's own offers
  const registry::StateDir* state;          ///< null for a mediator without a container
  const sys::Process* init;                 ///< the consumer's first process; null likewise
  const Admission* admission = nullptr;     ///< whom a mediator without a container serves; null = everybody
};

[[nodiscard]] sys::SocketKind kind_of(model::SocketKind kind);

/// Where a provider has its socket, held by descriptors (O_PATH).
struct Way {
  Fd socket;     ///< none while there is no socket of that name
  Fd directory;  ///< that it lies in
  Fd mounts;     ///< the mount namespace that it lies in; none for the host
  Fd process;    ///< pidfd of the provider's init; none for the host, and before Linux 5.3
};

class Door {
 public:
  /// Both outlive the door. `uid` is the workers'.
  Door(const model::Link& link, const Street& street, uid_t uid);

  /// What became of one attempt. `busy`: the provider's backlog is full, try again in a few milliseconds.
  struct Opened {
    mediate::Upstream upstream = mediate::Upstream::absent;
    bool busy = false;
    Fd server;
    std::string reason;  ///< why there is no server, for status and log
  };
  [[nodiscard]] Opened open();
  /// The provider's socket as a file, not connected to. effective() is then that provider's.
  [[nodiscard]] Result<Way> locate();

  /// Rights at the provider of the last attempt, and what kind of service it is.
  [[nodiscard]] const grant::Effective& effective() const { return effective_; }
  /// Grows whenever effective() changed: a worker that was told something else must not get the connection.
  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  /// Name of that provider, for status; empty while there is none.
  [[nodiscard]] const std::string& provider() const { return provider_name_; }

 private:
  [[nodiscard]] Result<Fd> knock();
  [[nodiscard]] Result<Fd> knock_at_compositor();
  [[nodiscard]] Result<> find_provider();
  [[nodiscard]] Result<> choose_provider();
  [[nodiscard]] Result<std::optional<sys::BorrowedIds>> as_role() const;
  [[nodiscard]] Result<Fd> socket_file() const;
  [[nodiscard]] Result<Fd> connect(const Fd& file) const;
  [[nodiscard]] Result<Fd> connect_to_host(const Fd& file) const;
  [[nodiscard]] Result<Fd> connect_to_container(const Fd& file) const;
  [[nodiscard]] Result<Fd> connect_in_its_network() const;
  [[nodiscard]] Result<> check_peer(const Fd& server) const;
  [[nodiscard]] Result<> check_port(std::vector<std::uint64_t> listening) const;
  void adopt(grant::Effective effective);

  const model::Link& link_;
  const Street& street_;
  std::optional<registry::Provider> container_;  ///< the provider, when it is one
  bool settled_ = false;                         ///< the provider is known: container_, or the host
  std::optional<std::int64_t> nobody_since_;     ///< nobody offered the service when offers last came or went
  std::string provider_name_;
  std::string address_;
  sys::SocketKind kind_ = sys::SocketKind::stream;
  mutable std::vector<std::uint64_t> proven_;        ///< sockets at the provider's port that are its own
  mutable std::optional<std::uint64_t> known_peer_;  ///< identity of the process that last proved to be the provider's
  grant::Effective effective_;
  std::uint64_t generation_ = 1;
  Ward ward_;  ///< of a Wayland link
};

}  // namespace xc::shim
