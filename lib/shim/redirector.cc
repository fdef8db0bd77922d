// See redirector.h.
#include "shim/redirector.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "base/text.h"
#include "model/address.h"
#include "registry/state_dir.h"
#include "shim/agent.h"
#include "shim/waiting_room.h"
#include "sys/log.h"
#include "sys/peer.h"
#include "sys/program_pages.h"
#include "sys/unix_message.h"
#include "sys/unix_socket.h"

namespace xc::shim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t listener_token = 1ULL << 32U;  // below it a descriptor's number
constexpr std::uint64_t callers_token = listener_token + 1;
constexpr std::uint64_t agent_token = listener_token + 2;
constexpr std::size_t most_engines = 16;
constexpr std::size_t most_waiting = 256;
constexpr std::size_t most_unheard = 64;
constexpr std::size_t most_deaths = 10;  // of agents within a minute
constexpr unsigned agent_descriptors = 16;
constexpr milliseconds until_room{5};
constexpr seconds patience{2};                // a caller's memory may lie where somebody must fetch it first
constexpr std::size_t longest_state = 65536;  // what an engine says beside the descriptor

std::uint64_t cookie_of(const Fd& socket) {
  std::uint64_t cookie = 0;
  socklen_t size = sizeof cookie;
  return ::getsockopt(socket.get(), SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0 ? cookie : 0;
}

bool is_unix(const Fd& socket) {
  int domain = -1;
  socklen_t size = sizeof domain;
  return ::getsockopt(socket.get(), SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

}  // namespace

Redirector::Redirector(const Street& street, uid_t agent_uid, Posts posts, Fd listener, sys::Poller poller,
                       sys::Poller callers)
    : street_(street),
      agent_uid_(agent_uid),
      posts_(std::move(posts)),
      listener_(std::move(listener)),
      poller_(std::move(poller)),
      callers_(std::move(callers)) {}

Result<std::unique_ptr<Redirector>> Redirector::create(const Street& street, uid_t agent_uid, Posts posts) {
  auto listener = XC_TRY_IN("a place for the engine's questions", listen_for_engine(*street.state, street.consumer));
  std::unique_ptr<Redirector> made(new Redirector(street, agent_uid, std::move(posts), std::move(listener),
                                                  XC_TRY(sys::Poller::create()), XC_TRY(sys::Poller::create())));
  XC_CHECK(made->poller_.add(made->listener_.get(), EPOLLIN, listener_token));
  XC_CHECK(made->poller_.add(made->callers_.descriptor(), EPOLLIN, callers_token));
  return made;
}

Result<> Redirector::meet_who_waits() {
  pollfd somebody{listener_.get(), POLLIN, 0};
  for (std::size_t i = 0; i < most_engines && ::poll(&somebody, 1, 0) == 1; ++i) XC_CHECK(meet_engine());
  if (!engines_.empty()) return {};
  end();
  return fail(Kind::plant,
              "the engine did not come to linux.seccomp.listenerPath, and without it every connect(2) of the container "
              "would fail: crun knows it from version 0.19 on");
}

Result<> Redirector::serve(Clock::time_point now) {
  std::array<epoll_event, 16> room{};
  for (const auto& event : XC_TRY(poller_.wait(room, 0))) {
    const std::uint64_t token = event.data.u64;
    if (token == listener_token)
      XC_CHECK(meet_engine());
    else if (token == callers_token)
      XC_CHECK(take_calls(now));
    else if (token == agent_token)
      hear(now);
    else if (const auto taken = take_notifier(static_cast<int>(token)); !taken)
      log::warning(street_.consumer + ": the engine's question about connect(2): " + taken.error().text);
  }
  return {};
}

/// Only root reaches our socket.
Result<> Redirector::meet_engine() {
  Fd engine{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
  if (!engine) return {};
  const auto who = sys::peer_credentials(engine.get());
  if (who && who->pid == ::getpid()) return {};  // we ourselves, to see who kept the place
  if (engines_.size() >= most_engines) engines_.erase(engines_.begin());
  const int number = engine.get();
  XC_CHECK(poller_.add(number, EPOLLIN, static_cast<std::uint64_t>(number)));
  engines_[number] = std::move(engine);
  return {};
}

/// A "container process state" with the filter's descriptor. Its words say nothing that the kernel does not tell
/// better.
Result<> Redirector::take_notifier(int number) {
  const auto found = engines_.find(number);
  if (found == engines_.end()) return {};
  const Fd engine = std::move(found->second);
  engines_.erase(found);
  poller_.remove(number);
  std::string words(longest_state, '\0');
  auto said = XC_TRY(sys::receive_message(engine.get(), words, 4));
  if (!said) return {};
  for (Fd& one : said->descriptors) {
    if (!sys::is_notifier(one.get())) return fail(Kind::kernel, "it sent a descriptor that is no filter's");
    const int notifier = one.get();
    XC_CHECK(callers_.add(notifier, EPOLLIN, static_cast<std::uint64_t>(notifier)));
    notifiers_[notifier] = std::move(one);
  }
  return {};
}

/// Nobody whom its filter holds is left.
void Redirector::drop_notifier(int notifier) {
  callers_.remove(notifier);
  notifiers_.erase(notifier);
  std::erase_if(waiting_, [&](const Guest& guest) { return guest.call.notifier == notifier; });
}

Result<> Redirector::take_calls(Clock::time_point now) {
  std::array<epoll_event, 16> room{};
  for (const auto& event : XC_TRY(callers_.wait(room, 0))) {
    const int notifier = static_cast<int>(event.data.u64);
    if ((event.events & EPOLLIN) == 0) {
      drop_notifier(notifier);
      continue;
    }
    const auto said = sys::take_notification(notifier);
    if (!said) {
      log::warning(street_.consumer + ": connect(2) is not asked about any more: " + said.error().text);
      drop_notifier(notifier);  // or it would be readable for ever
    } else if (*said) {
      consider({notifier, **said}, now);
    }
    if (asked_) break;  // one at a time: the others wait in the kernel
  }
  return {};
}

void Redirector::consider(const Call& call, Clock::time_point now) {
  if (may_be_ours(call.said)) {
    const auto asked = ask(call, now);
    if (asked) return;
    if (!given_up_) log::warning(street_.consumer + ": a call of connect(2) is not looked at: " + asked.error().text);
  }
  sys::let_happen(call.notifier, call.said.id);
}

/// By numbers alone, which spares most calls that go elsewhere a look.
bool Redirector::may_be_ours(const sys::Notification& said) const {
  if (!said.is_connect || said.thread <= 0 || said.length > longest_address || given_up_) return false;
  const auto posts = posts_();
  return std::ranges::any_of(posts, [&](const Post* post) {
    const auto path = model::redirected_path(post->link().target).value_or("");
    return said.length >= before_path + path.size();
  });
}

Result<> Redirector::ask(const Call& call, Clock::time_point now) {
  if (!agent_) XC_CHECK(start_agent());
  const Fd memory = XC_TRY(sys::memory_of(street_.proc, call.said.thread));
  if (!sys::is_waiting(call.notifier, call.said.id)) return {};  // it left: there is nobody to answer
  const Question question{call.said.address, call.said.length};
  std::array<char, sizeof question> bytes{};
  std::memcpy(bytes.data(), &question, sizeof question);
  const std::array<int, 1> passed{memory.get()};
  if (!XC_TRY(sys::send_message(agent_->control.get(), {bytes.data(), bytes.size()}, passed)))
    return fail(Kind::again, "the agent takes no question");
  asked_ = call;
  asked_at_ = now;
  poller_.remove(callers_.descriptor());
  return {};
}

/// The call that the agent was asked about; the next one may be taken.
Redirector::Call Redirector::take_back() {
  (void)poller_.add(callers_.descriptor(), EPOLLIN, callers_token);
  return *std::exchange(asked_, std::nullopt);
}

Result<> Redirector::start_agent() {
  paths_.clear();
  for (const Post* post : posts_()) paths_.emplace_back(model::redirected_path(post->link().target).value_or(""));
  const SandboxTerms terms{.uid = agent_uid_, .descriptors = agent_descriptors, .name = "xc-agent"};
  const auto work = [this](Fd control) { return run_agent(paths_, std::move(control)); };
  agent_ = XC_TRY(start_sandboxed(terms, work, [](std::string_view) {}));
  sys::forget_program_pages();  // those of starting it
  return poller_.add(agent_->control.get(), EPOLLIN, agent_token);
}

void Redirector::hear(Clock::time_point now) {
  if (!agent_) return;
  std::uint32_t answer = none_of_ours;
  std::array<char, sizeof answer> room{};
  const auto got = sys::receive_message(agent_->control.get(), room, 0);
  if (got && !*got) return;
  if (!got || (*got)->size != room.size() || !asked_) return bury_agent(now);
  std::memcpy(&answer, room.data(), room.size());
  settle(answer);
}

/// The agent has ended, or must. Whoever waits for its word is asked about once more; then the kernel goes on by
/// itself.
void Redirector::bury_agent(Clock::time_point now) {
  end_agent();
  std::erase_if(deaths_, [&](auto when) { return now - when > seconds(60); });
  deaths_.push_back(now);
  log::warning(street_.consumer +
               ": the agent that reads paths of connect(2) ended; another one is started when needed");
  if (deaths_.size() > most_deaths && !std::exchange(given_up_, true))
    log::error(street_.consumer + ": the agent ended too often within a minute: connect(2) is redirected no more");
  if (!asked_) return;
  Call call = take_back();
  if (std::exchange(call.asked_before, true)) return sys::let_happen(call.notifier, call.said.id);
  consider(call, now);
}

/// The agent's word on the call it was asked about.
void Redirector::settle(std::uint32_t answer) {
  const Call call = take_back();
  if (answer >= paths_.size()) return sys::let_happen(call.notifier, call.said.id);
  Guest guest{call, paths_[answer]};
  if (!admit(guest)) waiting_.push_back(std::move(guest));
}

/// False when it must wait for room.
bool Redirector::admit(const Guest& guest) {
  const auto& [call, path] = guest;
  Post* post = post_at(path);
  const auto done = post != nullptr ? connect(guest, *post) : Result<bool>(fail(Kind::usage, "the link is closed"));
  if (done) return *done;
  log::warning(street_.consumer + ": connect(2) to " + text::printable(path) + ": " + done.error().text);
  sys::let_happen(call.notifier, call.said.id);
  return true;
}

Result<bool> Redirector::connect(const Guest& guest, Post& post) {
  const auto& [notifier, said, before] = guest.call;
  const auto caller = XC_TRY(sys::caller_of(street_.proc, said.thread));
  if (!XC_TRY(sys::belongs_to(street_.proc, caller.process, *street_.init)))
    return fail(Kind::policy, "process " + text::number(caller.process.pid) + " does not live in the container");
  auto socket = sys::descriptor_of(caller, said.thread, said.socket);
  if (!sys::is_waiting(notifier, said.id)) return true;
  if (!socket && socket.error().code != EBADF) return std::unexpected(std::move(socket).error());
  if (!socket || !is_unix(*socket)) {  // the kernel knows the right answer
    sys::let_happen(notifier, said.id);
    return true;
  }
  if (!post.has_room()) {
    const int flags = ::fcntl(socket->get(), F_GETFL);
    if ((flags & O_NONBLOCK) == 0 && waiting_.size() < most_waiting) return false;
    (void)sys::answer(notifier, said.id, EAGAIN);
    return true;
  }
  const int code = XC_TRY(connect_now(*socket, post));
  if (code == 0)
    post.note_redirected("process " + text::number(caller.process.pid) + ", user " +
                         text::number(std::uint64_t{caller.uid}));
  tell(guest.call, cookie_of(*socket), code);
  return true;
}

/// A signal may take a caller away at this very moment. It will call again, and its socket is connected already.
void Redirector::tell(const Call& call, std::uint64_t socket, int code) {
  const bool known = code == EISCONN && std::ranges::find(unheard_, socket) != unheard_.end();
  const auto called_away = [&] { return sys::is_called_away(street_.proc, call.said.thread); };
  const bool before = called_away();
  const bool heard = sys::answer(call.notifier, call.said.id, known ? 0 : code) && !before && !called_away();
  if (known && heard) std::erase(unheard_, socket);
  if (code != 0 || heard) return;
  unheard_.push_back(socket);
  if (unheard_.size() > most_unheard) unheard_.pop_front();
}

/// The caller's own socket, to the link's listener by the name it was bound to. The errno that the caller is to have.
Result<int> Redirector::connect_now(const Fd& socket, const Post& post) {
  const std::string name = street_.key + "/" + XC_TRY(sys::bound_name(post.listener()));
  const Fd file{::openat(street_.state->containers(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (!file) return fail_errno(Kind::kernel, name, errno);
  const auto address = XC_TRY(sys::UnixAddress::path(sys::host_name_of(file.get())));
  return ::connect(socket.get(), address.get(), address.size()) == 0 ? 0 : errno;
}

Post* Redirector::post_at(std::string_view path) const {
  for (Post* post : posts_())
    if (post->listener() >= 0 && model::redirected_path(post->link().target) == path) return post;
  return nullptr;
}

std::optional<Clock::time_point> Redirector::next_check() const {
  std::optional<Clock::time_point> due;
  if (asked_) due = asked_at_ + patience;
  if (!waiting_.empty()) due = std::min(due.value_or(Clock::time_point::max()), Clock::now() + until_room);
  return due;
}

void Redirector::check(Clock::time_point now) {
  reap();
  if (asked_ && now - asked_at_ > patience) bury_agent(now);
  for (std::size_t left = waiting_.size(); left > 0; --left) {
    Guest guest = std::move(waiting_.front());
    waiting_.pop_front();
    if (sys::is_waiting(guest.call.notifier, guest.call.said.id) && !admit(guest)) waiting_.push_back(std::move(guest));
  }
}

void Redirector::end_agent() {
  if (!agent_) return;
  poller_.remove(agent_->control.get());
  ::kill(agent_->pid, SIGKILL);          // ours and not reaped yet
  dying_.push_back(std::move(*agent_));  // which may take its time: it reads where others decide how long that takes
  agent_.reset();
  reap();
}

void Redirector::reap() {
  std::erase_if(dying_, [](const Sandboxed& one) { return ::waitpid(one.pid, nullptr, WNOHANG) != 0; });
}

void Redirector::forget_paths() {
  end_agent();
  if (!asked_) return;
  const Call call = take_back();
  consider(call, Clock::now());
}

void Redirector::end() {
  waiting_.clear();
  asked_.reset();
  end_agent();
  for (const Sandboxed& one : dying_) {
    pollfd gone{one.pidfd.get(), POLLIN, 0};
    (void)::poll(&gone, 1, static_cast<int>(milliseconds(patience).count()));
  }
  reap();
  notifiers_.clear();
  listener_.reset();
  (void)::unlinkat(street_.state->redirectors(), street_.consumer.c_str(), 0);
}

}  // namespace xc::shim
