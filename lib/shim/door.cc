#include "shim/door.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/pack.h"
#include "mediate/wl_policy.h"
#include "model/address.h"
#include "registry/records.h"
#include "sys/namespaces.h"
#include "sys/net_visit.h"
#include "sys/parent_dir.h"
#include "sys/peer.h"
#include "sys/port_owner.h"

namespace xc::shim {
namespace {

constexpr std::string_view sandbox_engine = "io.xconnect";  // as compositors will know us

/// Nobody is there, as far as a client can be told: the provider is not up, or its socket is not.
bool means_absent(const Error& error) {
  return error.kind == Kind::again || error.code == ENOENT || error.code == ECONNREFUSED || error.code == ENOTDIR;
}

/// Where a socket of the monitor's own can be made: the container's entry, or for a mediator without a container what
/// is likely to take one.
std::vector<std::string> places_for(const model::Link& link, const Street& street) {
  if (street.state != nullptr) return {street.state->path() + "/c/" + street.key};
  std::vector<std::string> places{"/tmp", "/dev/shm"};
  if (link.target.starts_with('/')) places.insert(places.begin(), sys::split_path(link.target).directory);
  return places;
}

}  // namespace

sys::SocketKind kind_of(model::SocketKind kind) {
  switch (kind) {
    case model::SocketKind::seqpacket: return sys::SocketKind::seqpacket;
    case model::SocketKind::datagram: return sys::SocketKind::dgram;
    case model::SocketKind::stream:
    case model::SocketKind::count_: return sys::SocketKind::stream;
  }
  return sys::SocketKind::stream;
}

Door::Door(const model::Link& link, const Street& street, uid_t uid)
    : link_(link), street_(street), effective_{link.type, {}}, ward_(uid, places_for(link, street)) {}

Door::Opened Door::open() {
  Opened opened;
  auto server = knock();
  if (server) {
    opened.upstream = mediate::Upstream::connected;
    opened.server = std::move(*server);
    return opened;
  }
  const Error& error = server.error();
  opened.busy = error.code == EAGAIN;
  opened.reason = error.text;
  if (error.kind == Kind::policy)
    opened.upstream = mediate::Upstream::denied;
  else
    opened.upstream = means_absent(error) ? mediate::Upstream::absent : mediate::Upstream::failed;
  return opened;
}

Result<Fd> Door::knock() {
  XC_CHECK(find_provider());
  if (effective_.type == model::Type::wayland) return knock_at_compositor();
  const Fd file = XC_TRY(socket_file());
  Fd server = XC_TRY(connect(file));
  if (kind_ != sys::SocketKind::stream) XC_CHECK(sys::prepare_packets(server.get()));
  return server;
}

/// Through the compositor's security context, where it has such; the name it learns is the container's or the one that
/// the link pins, never the client's own word.
Result<Fd> Door::knock_at_compositor() {
  const Fd file = XC_TRY(socket_file());
  if (auto inside = XC_TRY(ward_.enter(file))) return std::move(*inside);
  Fd server = XC_TRY(connect(file));
  const mediate::wl::Policy policy(effective_.rights, street_.consumer);
  const std::string& pinned = policy.pin(mediate::wl::Identity::app_id);
  return ward_.admit(std::move(server), file,
                     {.engine = std::string(sandbox_engine),
                      .app_id = pinned.empty() ? street_.consumer : pinned,
                      .instance_id = street_.key.empty() ? street_.consumer : street_.key});
}

Result<Way> Door::locate() {
  XC_CHECK(find_provider());
  const auto path = sys::split_path(address_);
  Way way;
  if (container_) {
    way.directory = XC_TRY_IN(provider_name_, container_->root.resolve(path.directory));
    way.mounts = XC_TRY(sys::open_namespaces(container_->init)).mount;
    way.process = Fd{::fcntl(container_->init.pidfd.get(), F_DUPFD_CLOEXEC, 0)};
  } else {
    way.directory = Fd{::open(path.directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!way.directory) return fail_errno(Kind::kernel, path.directory, errno);
  }
  way.socket = Fd{::openat(way.directory.get(), path.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (!way.socket && errno != ENOENT) return fail_errno(Kind::kernel, address_, errno);
  struct stat info{};
  if (way.socket && ::fstat(way.socket.get(), &info) != 0) return fail_errno(Kind::kernel, address_, errno);
  if (way.socket && !S_ISSOCK(info.st_mode)) return fail(Kind::again, address_ + ": not a socket");
  return way;
}

/// A provider that was found stays the provider until its container ends: `container_` holds that very life of it.
Result<> Door::find_provider() {
  if (settled_ && (!container_ || registry::is_current(*container_))) return {};
  settled_ = false;
  container_.reset();
  ward_.forget();
  proven_.clear();
  known_peer_.reset();
  provider_name_.clear();
  XC_CHECK(choose_provider());
  settled_ = true;
  return {};
}

Result<> Door::choose_provider() {
  if (!link_.address.empty()) {  // a mediator without a container: one address, rights as given
    model::Layer layer;
    for (const auto& grant : link_.grants) layer.any.push_back(grant.rules);
    adopt({link_.type, model::Rights{{std::move(layer)}, link_.render_node}});
    address_ = link_.address;
    kind_ = kind_of(link_.socket_kind);
    return {};
  }
  const auto nobody = [this] { return fail(Kind::again, "nobody offers " + link_.service + " now"); };
  // A client that asks in vain, again and again, must not make us read every offer each time.
  const auto since = street_.state != nullptr ? registry::offers_unchanged_since(*street_.state) : std::nullopt;
  if (since && since == nobody_since_) return nobody();
  registry::Market market;
  const auto ours = [this](const std::string& service) { return service == link_.service; };
  if (street_.state != nullptr) market = XC_TRY(registry::survey(*street_.state, ours));
  const std::size_t containers = market.offered.size();
  market.offered.insert(market.offered.end(), street_.host.begin(), street_.host.end());
  const model::Offered* chosen = XC_TRY(grant::choose(link_, market.offered));
  if (chosen == nullptr) {
    nobody_since_ = since;
    return nobody();
  }
  adopt(XC_TRY(grant::narrow(link_, *chosen)));
  const auto index = static_cast<std::size_t>(chosen - market.offered.data());
  if (index < containers) container_ = XC_TRY(registry::hold(street_.proc, market.providers[index]));
  provider_name_ = grant::provider_name(*chosen);
  address_ = grant::address_for(chosen->offer, link_);
  kind_ = kind_of(chosen->offer.socket_kind);
  return {};
}

void Door::adopt(grant::Effective effective) {
  const bool same = effective.type == effective_.type && pack(effective.rights) == pack(effective_.rights) &&
                    effective.identity == effective_.identity && effective.uid == effective_.uid;
  if (!same) ++generation_;
  if (!same) ward_.forget();
  effective_ = std::move(effective);
}

/// The link's role as a user of the provider's, where its rights say so; given back at the end of the caller's block.
Result<std::optional<sys::BorrowedIds>> Door::as_role() const {
  std::optional<sys::BorrowedIds> role;
  if (effective_.uid) role.emplace(XC_TRY_IN(link_.role, sys::BorrowedIds::take(*effective_.uid, *effective_.uid)));
  return role;
}

/// The file (O_PATH) of the provider's socket; none when its address is a name or a port. An address of the host comes
/// from the host's administrator: symbolic links in it are his.
Result<Fd> Door::socket_file() const {
  if (address_.starts_with('@') || model::port_of(address_)) return Fd{};
  if (container_) return XC_TRY_IN(provider_name_, container_->root.resolve_entry(address_));
  Fd file{::open(address_.c_str(), O_PATH | O_CLOEXEC)};
  if (!file) return fail_errno(Kind::kernel, address_, errno);
  return file;
}

Result<Fd> Door::connect(const Fd& file) const {
  if (!container_) return connect_to_host(file);
  Fd server = XC_TRY(connect_to_container(file));
  if (!model::port_of(address_)) XC_CHECK(check_peer(server));
  return server;
}

/// A bus of the host may know the link's role as a user of its own.
Result<Fd> Door::connect_to_host(const Fd& file) const {
  if (const auto port = model::port_of(address_)) return sys::connect_loopback(*port);
  const auto role = XC_TRY(as_role());
  return file ? sys::connect_path(file, kind_) : sys::connect_abstract(std::string_view(address_).substr(1), kind_);
}

Result<Fd> Door::connect_to_container(const Fd& file) const {
  if (!file) return connect_in_its_network();
  const auto role = XC_TRY(as_role());
  return sys::connect_path(file, kind_);
}

/// A name or port of the provider means what it means in its own network. Whoever answers at a name is asked by
/// check_peer(); at a port the kernel is asked whose it is, before and after: others may live in that network.
Result<Fd> Door::connect_in_its_network() const {
  const auto visit = XC_TRY_IN(provider_name_, sys::NetVisit::to(street_.proc, container_->init));
  if (address_.starts_with('@')) {
    const auto role = XC_TRY(as_role());
    return sys::connect_abstract(std::string_view(address_).substr(1), kind_);
  }
  const std::uint16_t port = model::port_of(address_).value_or(0);
  auto listening = XC_TRY_IN(provider_name_, sys::listeners_at(container_->init, port));
  Fd server = XC_TRY(sys::connect_loopback(port));
  if (listening != XC_TRY_IN(provider_name_, sys::listeners_at(container_->init, port)))
    return fail(Kind::again, provider_name_ + ": another one listens at " + address_ + " since a moment ago");
  XC_CHECK(check_port(std::move(listening)));
  return server;
}

/// A socket's number is not given again, so those that were seen need no second look.
Result<> Door::check_port(std::vector<std::uint64_t> listening) const {
  if (!listening.empty() && listening == proven_) return {};
  if (listening.empty() || !XC_TRY_IN(provider_name_, sys::belong_to(street_.proc, listening, container_->init)))
    return fail(Kind::policy, provider_name_ + ": whoever listens at " + address_ + " does not live in that container");
  proven_ = std::move(listening);
  return {};
}

/// The listener must live in the provider's container: a socket in its root may have come from somewhere else.
/// A listener whose process has ended (it forked after listen(2)) cannot be asked any more and is taken: that its
/// socket lies in the provider's own root is the guard that counts.
Result<> Door::check_peer(const Fd& server) const {
  auto pidfd = sys::peer_pidfd(server.get());
  // EINVAL as well: kernels before 6.16 have no pidfd for a process that was waited for.
  if (!pidfd && (pidfd.error().code == ESRCH || pidfd.error().code == EINVAL)) return {};
  if (!pidfd) return std::unexpected(pidfd.error());
  const auto identity = *pidfd ? sys::identity_of(**pidfd) : std::nullopt;
  if (identity && identity == known_peer_) return {};
  auto peer = *pidfd ? sys::open_process_of(street_.proc, std::move(**pidfd))
                     : sys::open_process(street_.proc, XC_TRY(sys::peer_credentials(server.get())).pid);
  if (!peer && peer.error().code == ESRCH) return {};
  if (!peer) return std::unexpected(in_context(provider_name_, std::move(peer).error()));  // unseen is not ended
  if (XC_TRY(sys::belongs_to(street_.proc, *peer, container_->init))) {
    known_peer_ = identity;
    return {};
  }
  return fail(Kind::policy, provider_name_ + ": whoever listens at " + address_ + " does not live in that container");
}

}  // namespace xc::shim
