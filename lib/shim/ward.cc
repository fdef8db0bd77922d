#include "shim/ward.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "sys/hidden_listener.h"
#include "sys/unix_socket.h"

namespace xc::shim {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds between_heralds{1};  // a compositor that fails must not cost a process a client

}  // namespace

Result<std::optional<Fd>> Ward::enter(const Fd& file) {
  if (state_ != State::unknown && compositor_file_ && XC_TRY(sys::id_of(file.get())) != compositor_) forget();
  if (refusal_ && Clock::now() < not_before_) return std::unexpected(*refusal_);
  refusal_.reset();
  if (state_ == State::asking) XC_CHECK(hear_herald());
  if (state_ != State::standing) return std::nullopt;
  auto server = sys::connect_path(inside_, sys::SocketKind::stream);
  if (!server && server.error().code == ECONNREFUSED) {  // whoever listened is gone, and the context with him
    const bool served = std::exchange(served_, false);
    forget();
    if (served) return std::nullopt;
    return refuse("it ended before anybody came through it");
  }
  if (!server) return std::unexpected(in_context("through the security context", std::move(server).error()));
  served_ = true;
  return std::move(*server);
}

/// For everybody who comes until the next herald may go.
std::unexpected<Error> Ward::refuse(const std::string& why) {
  forget();
  refusal_ = Error{Kind::kernel, "no security context of the compositor: " + why};
  return std::unexpected(*refusal_);
}

Result<> Ward::hear_herald() {
  switch (herald_->word()) {
    case Herald::Word::none_yet: return fail_errno(Kind::again, "asking for a security context", EAGAIN);
    case Herald::Word::absent: state_ = State::absent; break;
    case Herald::Word::granted: state_ = State::standing; break;
    case Herald::Word::refused: return refuse(herald_->reason());
  }
  herald_.reset();
  return {};
}

Result<Fd> Ward::admit(Fd server, const Fd& file, const mediate::wl::ContextNames& names) {
  const pid_t listening = XC_TRY(sys::peer_credentials(server.get())).pid;
  if (state_ == State::absent && listening == compositor_pid_) return server;
  forget();
  if (Clock::now() < not_before_) return fail_errno(Kind::again, "asking for a security context", EAGAIN);
  not_before_ = Clock::now() + between_heralds;
  compositor_pid_ = listening;
  if (file) {
    compositor_ = XC_TRY(sys::id_of(file.get()));
    compositor_file_ = Fd{::fcntl(file.get(), F_DUPFD_CLOEXEC, 0)};
    if (!compositor_file_) return fail_errno(Kind::kernel, "keeping the compositor's socket", errno);
  }
  if (auto asked = ask(std::move(server), names); !asked) {
    forget();
    return std::unexpected(in_context("asking for a security context", std::move(asked).error()));
  }
  return fail_errno(Kind::again, "asking for a security context", EAGAIN);
}

Result<> Ward::ask(Fd server, const mediate::wl::ContextNames& names) {
  auto hidden = XC_TRY(sys::listen_hidden(places_));
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return fail_errno(Kind::kernel, "pipe", errno);
  Fd theirs{pipe[0]};
  closing_ = Fd{pipe[1]};
  Fd visitor = XC_TRY(sys::connect_path(hidden.file, sys::SocketKind::stream));
  herald_.emplace(XC_TRY(Herald::send_out(
      uid_, names, {std::move(server), std::move(hidden.listener), std::move(theirs), std::move(visitor)})));
  inside_ = std::move(hidden.file);
  state_ = State::asking;
  served_ = false;
  return {};
}

void Ward::forget() {
  state_ = State::unknown;
  herald_.reset();
  closing_.reset();
  inside_.reset();
  compositor_file_.reset();
}

}  // namespace xc::shim
