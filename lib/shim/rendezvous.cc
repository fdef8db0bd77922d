// See rendezvous.h.
#include "shim/rendezvous.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "base/json_out.h"
#include "model/meeting.h"
#include "shim/door.h"
#include "sys/sealed_file.h"
#include "sys/unix_message.h"

namespace xc::shim {
Result<Fd> meet(const model::Link& link, Fd client) {
  if (!link.target.starts_with("fd:")) return client;
  int pair[2];
  const int type = sys::type_of(kind_of(link.socket_kind));
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
    return fail_errno(Kind::kernel, "socketpair", errno);
  Fd ours{pair[0]};
  const Fd theirs{pair[1]};
  // Programs that are handed a descriptor expect one that waits for them.
  if (::fcntl(theirs.get(), F_SETFL, O_RDWR) != 0) return fail_errno(Kind::kernel, "F_SETFL", errno);
  const std::string text =
      to_json(model::Meeting{link.service, link.role, link.target, std::string(name_of(link.type))}) + "\n";
  const Fd file = XC_TRY(sys::sealed_file("xconnect", text));
  const std::array<int, 2> passed{theirs.get(), file.get()};
  const auto sent = XC_TRY_IN("handing a descriptor over", sys::send_message(client.get(), text, passed));
  if (sent && *sent == text.size()) return ours;
  return fail(Kind::again, "handing a descriptor over: the client takes no byte");
}

}  // namespace xc::shim
