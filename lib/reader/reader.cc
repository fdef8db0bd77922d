#include "reader/reader.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/pack.h"
#include "base/text.h"
#include "parse/validate.h"
#include "reader/child.h"
#include "sys/reap.h"

namespace xc::reader {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto patience = std::chrono::seconds(2);  // on a busy machine; of a processor it has one (RLIMIT_CPU)

enum class Wait { ready, late, broken };

Wait wait_for(int descriptor, short events, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return Wait::late;
    pollfd entry{descriptor, events, 0};
    const int count = ::poll(&entry, 1, static_cast<int>(left));
    if (count > 0) return Wait::ready;
    if (count < 0 && errno != EINTR) return Wait::broken;
  }
}

/// Moves `size` bytes with `move(offset)`, which behaves like send(2); false in time or at the end.
template <class Move>
Wait transfer(int descriptor, short events, std::size_t size, Clock::time_point deadline, const Move& move) {
  for (std::size_t done = 0; done < size;) {
    const ssize_t count = move(done);
    if (count > 0) {
      done += static_cast<std::size_t>(count);
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
      return Wait::broken;
    } else if (const Wait wait = wait_for(descriptor, events, deadline); wait != Wait::ready) {
      return wait;
    }
  }
  return Wait::ready;
}

Wait send_all(int descriptor, std::string_view bytes, Clock::time_point deadline) {
  return transfer(descriptor, POLLOUT, bytes.size(), deadline, [&](std::size_t done) {
    return ::send(descriptor, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL | MSG_DONTWAIT);
  });
}

Wait receive_all(int descriptor, char* into, std::size_t size, Clock::time_point deadline) {
  return transfer(descriptor, POLLIN, size, deadline,
                  [&](std::size_t done) { return ::recv(descriptor, into + done, size - done, MSG_DONTWAIT); });
}

/// How a child that was waited for came to its end.
std::string ending(int status) {
  if (WIFSIGNALED(status)) {
    const char* name = sigabbrev_np(WTERMSIG(status));
    return std::string("was killed by SIG") + (name == nullptr ? "?" : name);
  }
  return "ended by itself";
}

}  // namespace

Result<Reader> Reader::start() {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0)
    return fail_errno(Kind::kernel, "socketpair", errno);
  Fd ours(pair[0]);
  const Fd theirs(pair[1]);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno(Kind::kernel, "fork", errno);
  if (child == 0) {
    if (const auto confined = confine(theirs.get()); !confined) ::_exit(exit_code(confined.error().kind));
    serve();
  }
  return Reader(std::move(ours), child);
}

Reader::~Reader() {
  if (child_ > 0) (void)give_up({});
}

std::unexpected<Error> Reader::give_up(std::string sentence, Kind kind) {
  socket_.reset();
  if (child_ <= 0) return fail(Kind::manifest, "the reading process is gone");
  // Not reaped yet, so the number is still this child's. One that is dead already keeps its own status.
  int status = 0;
  pid_t reaped = ::waitpid(child_, &status, WNOHANG);
  if (reaped == 0) {
    ::kill(child_, SIGKILL);
    status = sys::reap(child_);
  }
  child_ = 0;
  if (sentence.empty()) sentence = ending(status);
  return fail(kind, "the reading process " + sentence);
}

Result<std::string> Reader::exchange(const std::string& request) {
  if (!socket_) return give_up({});
  const Clock::time_point deadline = Clock::now() + patience;
  const auto failed = [&](Wait wait) {
    return wait == Wait::late ? give_up("did not answer within two seconds", Kind::again) : give_up({});
  };
  auto size = static_cast<std::uint32_t>(request.size());
  std::string frame(sizeof size, '\0');
  std::memcpy(frame.data(), &size, sizeof size);
  if (const Wait sent = send_all(socket_.get(), frame + request, deadline); sent != Wait::ready) return failed(sent);
  if (const Wait got = receive_all(socket_.get(), reinterpret_cast<char*>(&size), sizeof size, deadline);
      got != Wait::ready)
    return failed(got);
  if (size > most_answer) return give_up("announced an answer of " + text::number(size) + " bytes");
  std::string answer(size, '\0');
  if (const Wait got = receive_all(socket_.get(), answer.data(), answer.size(), deadline); got != Wait::ready)
    return failed(got);
  return answer;
}

template <class T>
Result<T> Reader::ask(Document document, std::string_view text, std::string_view file) {
  const std::string label = text::printable(file);
  const auto read = [&]() -> Result<T> {
    const std::string bytes = XC_TRY(exchange(pack(Request{document, std::string(file), std::string(text)})));
    auto answer = unpack<Answer>(bytes);
    if (!answer) return give_up("sent an answer that cannot be read");
    if (answer->error) return std::unexpected(Error{Kind::manifest, text::printable(*answer->error, 1024), 0});
    auto value = unpack<T>(answer->value);
    if (!value) return give_up("sent a value that cannot be read");
    if (auto valid = parse::validate(*value); !valid) {
      (void)give_up({});
      return std::unexpected(valid.error());
    }
    return value;
  };
  const bool whole = static_cast<bool>(socket_);
  Result<T> outcome = read();
  const bool lost = !whole || !socket_;  // the child's own sentences name the file already
  if (!outcome && lost) return std::unexpected(in_context(label, std::move(outcome).error()));
  return outcome;
}

Result<model::OciState> Reader::state(std::string_view text) {
  return ask<model::OciState>(Document::state, text, "state");
}
Result<model::OciConfig> Reader::config(std::string_view text, std::string_view file) {
  return ask<model::OciConfig>(Document::config, text, file);
}
Result<model::Proposal> Reader::proposal(std::string_view text, std::string_view file) {
  return ask<model::Proposal>(Document::proposal, text, file);
}
Result<model::Label> Reader::label(std::string_view text, std::string_view file) {
  return ask<model::Label>(Document::label, text, file);
}
Result<model::Manifest> Reader::run(std::string_view text, std::string_view file) {
  return ask<model::Manifest>(Document::run, text, file);
}
Result<model::Manifest> Reader::args(std::string_view text, std::string_view file) {
  return ask<model::Manifest>(Document::args, text, file);
}
Result<model::Exports> Reader::services(std::string_view text, std::string_view file) {
  return ask<model::Exports>(Document::services, text, file);
}
Result<model::Policy> Reader::policy(std::string_view text, std::string_view file) {
  return ask<model::Policy>(Document::policy, text, file);
}
Result<model::HooksFile> Reader::hooks_file(std::string_view text, std::string_view file) {
  return ask<model::HooksFile>(Document::hooks_file, text, file);
}
Result<model::OciHooks> Reader::oci_hooks(std::string_view text, std::string_view file) {
  return ask<model::OciHooks>(Document::oci_hooks, text, file);
}
Result<model::Graph> Reader::graph(std::string_view text, std::string_view file) {
  return ask<model::Graph>(Document::graph, text, file);
}
Result<model::Position> Reader::position(std::string_view text, std::string_view question) {
  return ask<model::Position>(Document::position, text, question);
}
Result<model::Rendered> Reader::render(const model::Rendering& rendering) {
  return ask<model::Rendered>(Document::render, pack(rendering), rendering.args_name);
}
Result<model::Revision> Reader::revision(std::string_view text, std::string_view file) {
  return ask<model::Revision>(Document::revision, text, file);
}
Result<model::RoleUids> Reader::role_uids(std::string_view text, std::string_view file) {
  return ask<model::RoleUids>(Document::role_uids, text, file);
}

Result<model::Event> Reader::event(std::string_view line) {
  return ask<model::Event>(Document::event, line, "trace");
}

}  // namespace xc::reader
