// See admission.h.
#include "shim/admission.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "sys/peer.h"
#include "sys/unix_socket.h"

namespace xc::shim {
namespace {

Result<sys::Process> open_client(const sys::Proc& proc, const Fd& client) {
  auto pidfd = XC_TRY(sys::peer_pidfd(client.get()));
  if (pidfd) return sys::open_process_of(proc, std::move(*pidfd));
  return sys::open_process(proc, XC_TRY(sys::peer_credentials(client.get())).pid);
}

/// The root directory it has now: a program that opens its sockets before chroot(2) is not let in too early.
Result<sys::FileId> root_of(const sys::Process& process) {
  const Fd root{::openat(process.dir.get(), "root", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!root) return fail_errno(Kind::kernel, "its root directory", errno);
  return sys::id_of(root.get());
}

Result<> admit(const Admission& admission, const sys::Process& peer, const Fd& client) {
  const auto uid = XC_TRY(sys::peer_credentials(client.get())).uid;
  const auto& uids = admission.uids;
  const std::string who = "process " + text::number(peer.pid) + " connected, ";
  if (!uids.empty() && std::ranges::find(uids, uid) == uids.end())
    return fail(Kind::policy, who + "whose user " + text::number(std::uint64_t{uid}) + " is not served");
  if (admission.root && XC_TRY(root_of(peer)) != *admission.root)
    return fail(Kind::policy, who + "whose root directory is not the one that is served");
  return {};
}

bool is_by_name(const model::Link& link, const Street& street) {
  return link.target.starts_with('@') && street.init != nullptr;
}

bool is_by_person(const Street& street) {
  return street.admission != nullptr && !street.admission->open();
}

}  // namespace

bool asks_who_knocks(const model::Link& link, const Street& street) {
  return is_by_name(link, street) || is_by_person(street);
}

Result<> check_client(const model::Link& link, const Street& street, const Fd& client) {
  if (!asks_who_knocks(link, street)) return {};
  const auto peer = XC_TRY_IN("a client that cannot be known", open_client(street.proc, client));
  if (is_by_person(street)) XC_CHECK(admit(*street.admission, peer, client));
  if (!is_by_name(link, street) || XC_TRY(sys::belongs_to(street.proc, peer, *street.init))) return {};
  return fail(Kind::policy, "process " + text::number(peer.pid) + " connected, which does not live in the container");
}

}  // namespace xc::shim
