#include "sys/pipes.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "sys/unix_message.h"

namespace xc::sys {

Result<Pipes> Pipes::create(std::size_t count, int capacity) {
  Pipes pipes;
  int sockets[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sockets) != 0)
    return fail_errno(Kind::kernel, "socketpair", errno);
  pipes.drain_ = Fd{sockets[0]};
  pipes.sink_ = Fd{sockets[1]};
  for (std::size_t i = 0; i < count; ++i) {
    int pair[2];
    if (::pipe2(pair, O_CLOEXEC | O_NONBLOCK) != 0) break;
    Pipe pipe{Fd{pair[0]}, Fd{pair[1]}};
    (void)::fcntl(pipe.write.get(), F_SETPIPE_SZ, capacity);  // refused above the user's share: then it stays small
    pipes.idle_.push_back(std::move(pipe));
  }
  return pipes;
}

std::optional<Pipe> Pipes::borrow() {
  if (idle_.empty()) return std::nullopt;
  Pipe pipe = std::move(idle_.back());
  idle_.pop_back();
  return pipe;
}

void Pipes::give_back_full(Pipe pipe) {
  for (;;) {
    const auto moved = splice_bytes(pipe.read.get(), drain_.get(), std::size_t{1} << 20U);
    if (!moved || !*moved || **moved == 0) break;  // empty, or not to be emptied: then it is not used again
    std::array<char, 4096> waste;
    while (receive_plain(sink_.get(), waste, 0) > 0) {
    }
  }
  if (int left = 0; ::ioctl(pipe.read.get(), FIONREAD, &left) == 0 && left == 0) idle_.push_back(std::move(pipe));
}

Result<std::optional<std::size_t>> splice_bytes(int from, int to, std::size_t size) {
  ssize_t moved = -1;
  do moved = ::splice(from, nullptr, to, nullptr, size, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);
  while (moved < 0 && errno == EINTR);
  if (moved < 0 && errno == EAGAIN) return std::nullopt;
  if (moved < 0) return fail_errno(Kind::kernel, "splice", errno);
  return static_cast<std::size_t>(moved);
}

}  // namespace xc::sys
