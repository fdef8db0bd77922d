#include "shim/lane.h"

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "shim/observer.h"
#include "sys/rights.h"
#include "sys/unix_message.h"

namespace xc::shim {
namespace {

constexpr std::size_t largest_packet = 4UL << 20U;
constexpr std::size_t splice_from = 32UL * 1024;  // below, two more system calls cost more than a copy
constexpr int pipe_size = 1 << 20;
constexpr std::size_t pipes_of_a_worker = 4;
constexpr int takes_at_once = 16;  // then the other connections have their turn

bool peer_left(int code) {
  return code == EPIPE || code == ECONNRESET || code == ENOTCONN;
}

/// recvmsg(2) that takes. The message's control part is set by the caller.
ssize_t take_message(int socket, std::span<char> room, msghdr& message) {
  iovec piece{room.data(), room.size()};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  ssize_t got = -1;
  do got = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  while (got < 0 && errno == EINTR);
  message.msg_iov = nullptr;
  return got;
}

}  // namespace

Result<Toolbox> Toolbox::create() {
  return Toolbox{XC_TRY(sys::Lookout::create()), XC_TRY(sys::Pipes::create(pipes_of_a_worker, pipe_size)),
                 std::make_unique_for_overwrite<char[]>(bytes)};
}

Result<> Lane::move(Toolbox& tools) {
  retry_ = false;
  for (int taken = 0; !over_;) {
    if (to_.deaf) {
      give_up(tools);
    } else if (holds()) {
      if (!to_.writable) break;
      XC_CHECK(deliver(tools));
    } else if (ended_) {
      finish();
    } else {
      if (!from_.readable || taken++ == takes_at_once) break;
      XC_CHECK(terms_.packets ? take_packet(tools) : take(tools));
    }
  }
  return {};
}

Result<> Lane::take(Toolbox& tools) {
  const sys::Ahead ahead = XC_TRY(tools.lookout.look(from_.socket.get(), tools.room()));
  switch (ahead.next) {
    case sys::Next::plain: return take_plain(tools, ahead.size);
    case sys::Next::record: return take_record(tools, ahead.size);
    case sys::Next::urgent: return take_urgent();
    case sys::Next::stale: return take_record(tools, 1);
    case sys::Next::end: ended_ = true; break;
    case sys::Next::nothing: break;
  }
  from_.readable = false;
  return {};
}

Result<> Lane::take_plain(Toolbox& tools, std::size_t size) {
  const auto unseen = [&] { return !is_watched() || !terms_.observer->wants_payload(); };
  if (size >= splice_from && !terms_.credentials && unseen() && XC_TRY(spliced(tools, size))) return {};
  msghdr message{};
  const auto room = tools.room().first(std::min(size, Toolbox::bytes));
  const ssize_t got = take_message(from_.socket.get(), room, message);
  if (got < 0) return fail_errno(Kind::kernel, "recvmsg", errno);
  if ((message.msg_flags & MSG_CTRUNC) != 0) return fail(Kind::internal, "a descriptor came with bytes that had none");
  from_.readable = size > room.size();  // all is taken that was seen: epoll will say when there is more
  return pass({.bytes = {room.data(), static_cast<std::size_t>(got)}});
}

/// Moves bytes through a pipe without copying them; false when none is free.
Result<bool> Lane::spliced(Toolbox& tools, std::size_t size) {
  pipe_ = tools.pipes.borrow();
  if (!pipe_) return false;
  const auto moved = XC_TRY(sys::splice_bytes(from_.socket.get(), pipe_->write.get(), size));
  in_pipe_ = moved.value_or(0);
  if (in_pipe_ > 0) {
    if (is_watched()) report_bytes(*terms_.observer, terms_.sender, {}, in_pipe_);
    XC_CHECK(drain_pipe(tools));
    return true;
  }
  tools.pipes.give_back(std::move(*pipe_));
  pipe_.reset();
  return false;
}

Result<> Lane::take_record(Toolbox& tools, std::size_t size) {
  alignas(cmsghdr) std::array<char, sys::rights_room> control;
  msghdr message{};
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const auto room = tools.room().first(std::min(size, Toolbox::bytes));
  const ssize_t got = take_message(from_.socket.get(), room, message);
  if (got <= 0) from_.readable = false;
  if (got == 0 || (got < 0 && errno == EAGAIN)) return {};  // nothing but the place of an urgent byte
  if (got < 0) return fail_errno(Kind::kernel, "recvmsg", errno);
  auto descriptors = sys::take_rights(message);
  if ((message.msg_flags & MSG_CTRUNC) != 0)
    return fail(Kind::policy, "more descriptors arrived than there is room for");
  XC_CHECK(admit(descriptors));
  return pass({{room.data(), static_cast<std::size_t>(got)}, std::move(descriptors)});
}

Result<> Lane::take_urgent() {
  std::array<char, 1> byte{};
  if (sys::receive_plain(from_.socket.get(), byte, MSG_OOB) != 1) return {};  // replaced by a later one
  return pass({.bytes = {byte.data(), 1}, .flags = MSG_OOB});
}

/// One message with its boundary. The end of the conversation and an empty message both have no bytes; but a message
/// has a time (SO_TIMESTAMP is set on both sockets), and the end has none.
Result<> Lane::take_packet(Toolbox& tools) {
  const ssize_t size = sys::receive_plain(from_.socket.get(), {}, MSG_PEEK | MSG_TRUNC);
  if (size < 0) {
    from_.readable = false;
    ended_ = errno == ECONNRESET;
    return errno == EAGAIN || ended_ ? Result<>{} : fail_errno(Kind::kernel, "recvmsg", errno);
  }
  const auto wanted = static_cast<std::size_t>(size);
  if (wanted > largest_packet) return fail(Kind::policy, "a message is larger than 4 MiB");
  std::vector<char> larger(wanted > Toolbox::bytes ? wanted : 0);
  const std::span<char> room = larger.empty() ? tools.room() : std::span(larger);
  alignas(cmsghdr) std::array<char, sys::control_room> control;
  msghdr message{};
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t got = take_message(from_.socket.get(), room, message);
  if (got < 0) return fail_errno(Kind::kernel, "recvmsg", errno);
  if (got == 0 && message.msg_controllen == 0) {
    ended_ = true;
    return {};
  }
  auto descriptors = sys::take_rights(message);
  if ((message.msg_flags & MSG_CTRUNC) != 0)
    return fail(Kind::policy, "more descriptors arrived than there is room for");
  XC_CHECK(admit(descriptors));
  ++terms_.tally->messages;
  return pass({{room.data(), static_cast<std::size_t>(got)}, std::move(descriptors), 0, true});
}

Result<> Lane::admit(std::vector<Fd>& descriptors) {
  terms_.tally->descriptors += descriptors.size();
  if (descriptors.size() <= terms_.most_descriptors) return {};
  terms_.tally->descriptors -= descriptors.size();
  ++terms_.tally->refusals;
  if (terms_.drops) {
    descriptors.clear();
    return {};
  }
  return fail(Kind::policy, "a message with " + text::number(std::uint64_t{descriptors.size()}) +
                                " descriptors; the role may pass " +
                                text::number(std::uint64_t{terms_.most_descriptors}));
}

void Lane::tell(const Parcel& parcel) const {
  report_bytes(*terms_.observer, terms_.sender, parcel.bytes, parcel.bytes.size(), parcel.descriptors.size());
}

/// Sends what it can at once and keeps the rest.
Result<> Lane::forward(Parcel&& parcel) {
  const auto sent = XC_TRY(send(parcel));
  if (to_.deaf) return {};
  if (sent) {
    count(*sent);
    if (*sent == parcel.bytes.size()) return {};
    parcel.bytes.remove_prefix(*sent);
    parcel.descriptors.clear();  // they went with the first byte
  }
  store_.assign(parcel.bytes);
  parcel.bytes = store_;
  held_ = std::move(parcel);
  return {};
}

/// Bytes taken by the kernel; nothing when it took none, and then the port says why.
Result<std::optional<std::size_t>> Lane::send(const Parcel& parcel) {
  alignas(cmsghdr) std::array<char, sys::control_room> control;
  iovec piece{const_cast<char*>(parcel.bytes.data()), parcel.bytes.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  if (!parcel.descriptors.empty() || terms_.credentials) {
    std::vector<int> numbers;
    for (const Fd& descriptor : parcel.descriptors) numbers.push_back(descriptor.get());
    sys::attach_control(message, control, numbers, terms_.credentials ? &*terms_.credentials : nullptr);
  }
  ssize_t sent = -1;
  do sent = ::sendmsg(to_.socket.get(), &message, parcel.flags | MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  XC_CHECK(refused(errno));
  return std::nullopt;
}

/// Takes note of why the kernel did not take what we sent.
Result<> Lane::refused(int code) {
  if (peer_left(code)) {
    to_.deaf = true;
    return {};
  }
  // Too many descriptors of our user wait in queues: the peer has to take some first, and no event will tell.
  if (code == ETOOMANYREFS) retry_ = true;
  if (code != EAGAIN && code != ETOOMANYREFS) return fail_errno(Kind::kernel, "sendmsg", code);
  to_.writable = false;
  return {};
}

Result<> Lane::deliver(Toolbox& tools) {
  if (in_pipe_ > 0) return drain_pipe(tools);
  Parcel parcel = std::move(*held_);
  held_.reset();
  XC_CHECK(forward(std::move(parcel)));
  if (!held_) store_ = {};  // an idle connection keeps no memory
  return {};
}

Result<> Lane::drain_pipe(Toolbox& tools) {
  while (in_pipe_ > 0) {
    const auto moved = sys::splice_bytes(pipe_->read.get(), to_.socket.get(), in_pipe_);
    if (!moved) return refused(moved.error().code);
    if (!*moved) return refused(EAGAIN);
    in_pipe_ -= **moved;
    count(**moved);
  }
  tools.pipes.give_back(std::move(*pipe_));
  pipe_.reset();
  return {};
}

/// The peer there reads no more: what was meant for it is pointless, and so is every further word.
void Lane::give_up(Toolbox& tools) {
  if (pipe_) tools.pipes.give_back_full(std::move(*pipe_));
  pipe_.reset();
  in_pipe_ = 0;
  held_.reset();
  store_ = {};
  (void)::shutdown(from_.socket.get(), SHUT_RD);  // its writes fail as they would directly; fails only when it has left
  to_.told = over_ = true;
}

void Lane::finish() {
  (void)::shutdown(to_.socket.get(), SHUT_WR);  // fails only when the peer has left: then there is nobody to tell
  to_.told = over_ = true;
}

}  // namespace xc::shim
