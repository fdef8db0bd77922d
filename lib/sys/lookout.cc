// See lookout.h. Three properties of unix(7) sockets, all older than Linux 5.4, carry this:
//   - a look (MSG_PEEK) ends behind the first record with descriptors, and says by MSG_CTRUNC that there are some when
//     there is no room for them;
//   - a look at one byte goes on over the rest of the queue for that report (tried, and done without where it is not
//   so);
//   - a record is copied whole or not at all: memory that cannot be written ends the look before the record in which it
//     is met.
#include "sys/lookout.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/fd.h"
#include "sys/unix_message.h"

namespace xc::sys {
namespace {

struct Look {
  ssize_t size = 0;
  int code = 0;  ///< errno when size is negative
  bool descriptors = false;
};

/// Looks at the bytes that fit into `room`, and at `unwritable` more that cannot be copied anywhere.
Look peek(int socket, std::span<char> room, std::size_t unwritable = 0) {
  std::array<iovec, 2> pieces{{{room.data(), room.size()}, {nullptr, unwritable}}};
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  Look look;
  do look.size = ::recvmsg(socket, &message, MSG_PEEK | MSG_DONTWAIT);
  while (look.size < 0 && errno == EINTR);
  look.code = look.size < 0 ? errno : 0;
  look.descriptors = look.size >= 0 && (message.msg_flags & MSG_CTRUNC) != 0;
  return look;
}

/// Where the record begins that holds the byte number `last`, counted from the next to be read.
std::size_t start_of_record(int socket, std::span<char> room, std::size_t last) {
  const Look look = peek(socket, room.first(last), 1);
  return look.size > 0 ? static_cast<std::size_t>(look.size) : 0;  // EFAULT: it is the very first record
}

bool at_mark(int socket) {
  int mark = 0;
  return ::ioctl(socket, SIOCATMARK, &mark) == 0 && mark != 0;  // before Linux 5.15 there is no such thing
}

bool has_urgent_byte(int socket) {
  std::array<char, 1> byte{};
  return receive_plain(socket, byte, MSG_OOB | MSG_PEEK) == 1;
}

/// The mark stays for a moment after its byte was read, and may then be mistaken for that of a byte which has just
/// come.
bool at_urgent_byte(int socket) {
  return at_mark(socket) && has_urgent_byte(socket) && at_mark(socket);
}

}  // namespace

Result<Lookout> Lookout::create() {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
    return fail_errno(Kind::kernel, "socketpair", errno);
  const Fd out{pair[0]};
  const Fd in{pair[1]};
  const std::array<int, 1> passed{out.get()};
  XC_CHECK(send_message(out.get(), "ab", {}));
  XC_CHECK(send_message(out.get(), "cd", passed));
  XC_CHECK(send_message(out.get(), "e", {}));
  std::array<char, 8> room{};
  Lookout lookout;
  lookout.far_sighted_ = peek(in.get(), std::span(room).first(1)).descriptors;
  const Look whole = peek(in.get(), room);
  if (whole.size != 4 || !whole.descriptors || start_of_record(in.get(), room, 3) != 2)
    return fail(Kind::kernel, "the kernel does not tell where a record with descriptors begins in a stream");
  return lookout;
}

Result<Ahead> Lookout::look(int socket, std::span<char> room) const {
  for (;;) {
    int counted = 0;  // before the look: it vouches for these bytes, and not for what comes later
    if (::ioctl(socket, SIOCINQ, &counted) != 0) return fail_errno(Kind::kernel, "SIOCINQ", errno);
    if (counted > 0 && at_urgent_byte(socket)) return Ahead{Next::urgent, 1};
    const Look glance = peek(socket, room.first(far_sighted_ ? 1 : room.size()));
    if (glance.size < 0 && glance.code == EAGAIN) return Ahead{at_mark(socket) ? Next::stale : Next::nothing, 0};
    if (glance.size < 0 && glance.code != ECONNRESET) return fail_errno(Kind::kernel, "recvmsg", glance.code);
    if (glance.size <= 0) return Ahead{Next::end, 0};
    if (counted == 0) continue;  // it came between the two calls
    if (!glance.descriptors)
      return Ahead{Next::plain, static_cast<std::size_t>(far_sighted_ ? counted : static_cast<int>(glance.size))};
    const Look whole = far_sighted_ ? peek(socket, room) : glance;
    if (whole.size <= 0) return fail(Kind::internal, "bytes of a stream vanished while they were looked at");
    const auto size = static_cast<std::size_t>(whole.size);
    const std::size_t start = start_of_record(socket, room, size - 1);
    if (start > 0) return Ahead{Next::plain, start};
    return Ahead{Next::record, size};
  }
}

}  // namespace xc::sys
