// See child.h.
#include "sys/child.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <optional>
#include <utility>

#include "base/pack.h"
#include "base/text.h"
#include "sys/privileges.h"
#include "sys/process.h"
#include "sys/rights.h"
#include "sys/unix_message.h"

namespace xc::sys {
namespace {

constexpr std::size_t answer_limit = std::size_t{1024} * 1024;
constexpr auto grace = std::chrono::seconds(1);  // for the kernel to end a killed child
constexpr int ended_well = 0;

/// What goes through the socket pair. `failed` chooses between an error and the bytes of an answer.
struct Message {
  bool failed = false;
  int kind = 0;
  int code = 0;
  std::string text;
};
template <class A>
void fields(A& a, Message& m) {
  a("failed", m.failed);
  a("kind", m.kind);
  a("code", m.code);
  a("text", m.text);
}

[[noreturn]] void be_child(const std::function<Result<Answer>()>& work, Fd to_parent, pid_t parent) {
  // The signal comes only for a parent that dies later than this call, hence the look.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) ::_exit(exit_code(Kind::kernel));
  // A child that the kernel keeps in spite of SIGKILL (a file system that never answers) must not keep the engine's
  // pipes with it: runc waits for their end.
  const auto detached = detach_from_caller();
  auto answer = detached ? work() : Result<Answer>(std::unexpected(detached.error()));
  Message message{.failed = !answer, .text = {}};
  if (answer) {
    message.text = std::move(answer->bytes);
  } else {
    message.kind = exit_code(answer.error().kind);
    message.code = answer.error().code;
    message.text = std::move(answer.error().text);
  }
  const std::string bytes = pack(std::move(message));
  std::string_view rest = bytes;
  std::vector<int> descriptors;
  if (answer)
    for (const Fd& fd : answer->descriptors) descriptors.push_back(fd.get());
  while (!rest.empty()) {
    const auto sent = send_message(to_parent.get(), rest, descriptors);
    if (!sent || !*sent) ::_exit(exit_code(Kind::internal));  // a blocking socket: "would block" cannot be
    rest.remove_prefix(**sent);
    descriptors.clear();
  }
  ::_exit(ended_well);
}

/// Reads until the child closes its end. Nothing when the deadline passed.
Result<std::optional<Answer>> read_answer(const Fd& from_child, Deadline deadline) {
  Answer answer;
  std::array<char, 16384> piece{};
  while (true) {
    pollfd waiting{.fd = from_child.get(), .events = POLLIN, .revents = 0};
    const int ready = ::poll(&waiting, 1, milliseconds_until(deadline));
    if (ready < 0 && errno != EINTR) return fail_errno(Kind::kernel, "poll", errno);
    if (ready == 0) return std::nullopt;
    if (ready < 0) continue;
    auto received = XC_TRY(receive_message(from_child.get(), piece, most_rights));
    if (!received) continue;
    if (received->size == 0) return answer;
    answer.bytes.append(piece.data(), received->size);
    for (Fd& fd : received->descriptors) answer.descriptors.push_back(std::move(fd));
    if (answer.bytes.size() > answer_limit || answer.descriptors.size() > most_rights)
      return fail(Kind::internal, "a child of ours answered with too much");
  }
}

/// Status of the ended child; nothing when the deadline passed.
Result<std::optional<int>> wait_for(pid_t child, const Fd& pidfd, Deadline deadline) {
  while (true) {
    int status = 0;
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child) return status;
    if (ended < 0 && errno != EINTR)  // ECHILD: SIGCHLD is ignored, and how it ended is lost
      return fail_errno(Kind::internal, "waiting for a child of ours", errno);
    const int left = milliseconds_until(deadline);
    if (left == 0) return std::nullopt;
    pollfd waiting{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
    (void)::poll(&waiting, 1, pidfd ? left : 1);  // a negative descriptor is skipped: then this only sleeps
  }
}

Result<> judge(int status) {
  if (WIFEXITED(status) && WEXITSTATUS(status) == ended_well) return {};
  if (WIFSIGNALED(status)) {
    const char* name = sigabbrev_np(WTERMSIG(status));
    return fail(Kind::internal, "a child of ours was ended by signal " + text::number(WTERMSIG(status)) + " (SIG" +
                                    (name != nullptr ? name : "?") + ")");
  }
  return fail(Kind::internal, "a child of ours ended with code " + text::number(WEXITSTATUS(status)));
}

Result<Answer> read_message(Answer answer) {
  Message message = XC_TRY(unpack<Message>(answer.bytes));
  if (message.failed) return std::unexpected(Error{Kind{message.kind}, std::move(message.text), message.code});
  answer.bytes = std::move(message.text);
  return answer;
}

/// Everything of the parent, once the child runs.
Result<Answer> attend(pid_t child, const Fd& from_child, Deadline deadline) {
  const Fd pidfd = open_pidfd(child);  // may be missing: see wait_for
  auto answer = read_answer(from_child, deadline);
  auto status = answer && *answer ? wait_for(child, pidfd, deadline) : Result<std::optional<int>>(std::nullopt);
  if (!status || !*status) {
    (void)::kill(child, SIGKILL);  // not reaped yet, so the number is still its own
    (void)wait_for(child, pidfd, std::chrono::steady_clock::now() + grace);
  }
  if (!answer) return std::unexpected(std::move(answer).error());
  if (!status) return std::unexpected(std::move(status).error());
  if (!*status) return fail(Kind::again, "the work did not end before its deadline; it was given up");
  XC_CHECK(judge(**status));
  return read_message(std::move(**answer));
}

}  // namespace

Result<Answer> run_child(const std::function<Result<Answer>()>& work, Deadline deadline) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return fail_errno(Kind::kernel, "socketpair", errno);
  Fd ours{ends[0]};
  Fd theirs{ends[1]};
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return fail_errno(Kind::kernel, "fork", errno);
  if (child == 0) {
    ours.reset();
    be_child(work, std::move(theirs), parent);
  }
  theirs.reset();
  return attend(child, ours, deadline);
}

int milliseconds_until(Deadline deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  if (left <= 0) return 0;
  return left > INT_MAX ? INT_MAX : static_cast<int>(left);
}

}  // namespace xc::sys
