// Links at "connect:/path": the container's own connect(2) to that path is connected to the link's listener, where no
// file could be planted. Runs in the monitor; reads no byte of a client.
//
// The engine installs a filter that asks about connect(2) (OCI runtime-spec, linux.seccomp.listenerPath) and sends its
// descriptor to our socket in the state directory, once for the container and once for every process that is put into
// it later. A caller then waits in the kernel until we answer. The agent (agent.h), which is nobody, reads the path;
// if it is one of ours, the caller's own socket is connected to the link's listener from here, so that its options,
// copies and watches stay as they are; everything else is done by the kernel as if nobody had asked.
//
// Nothing is ever refused because of what was read: while a caller waits, its other threads may write another path
// there. Who is told one of ours and connects to a link gets what the container was granted anyway, by whatever path;
// who is not gets what the kernel gives to everybody, and the kernel reads the path itself.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "shim/door.h"
#include "shim/post.h"
#include "shim/sandbox.h"
#include "sys/notification.h"
#include "sys/poller.h"

namespace xc::shim {

class Redirector {
 public:
  /// The posts of targets "connect:/path" that are there now.
  using Posts = std::function<std::vector<Post*>()>;

  /// Listens for the engine of street.consumer; street.state must be there, and both outlive the redirector.
  [[nodiscard]] static Result<std::unique_ptr<Redirector>> create(const Street& street, uid_t agent_uid, Posts posts);

  /// For an engine that comes before it calls hooks. An error when it did not: it knows no listenerPath, and then the
  /// kernel would fail every connect(2) of the container with ENOSYS (seccomp_unotify(2)).
  [[nodiscard]] Result<> meet_who_waits();

  /// Readable when serve() must be called.
  [[nodiscard]] int descriptor() const { return poller_.descriptor(); }
  [[nodiscard]] Result<> serve(Clock::time_point now);
  /// When check() must be called though nothing happened; empty = never.
  [[nodiscard]] std::optional<Clock::time_point> next_check() const;
  /// Callers for whom there was no room are tried again; an agent that does not answer is ended.
  void check(Clock::time_point now);
  /// Links came or went: the next agent knows them.
  void forget_paths();
  /// The container is gone.
  void end();

 private:
  struct Call {
    int notifier = -1;
    sys::Notification said;
    bool asked_before = false;
  };
  /// One that is ours.
  struct Guest {
    Call call;
    std::string path;
  };
  Redirector(const Street& street, uid_t agent_uid, Posts posts, Fd listener, sys::Poller poller, sys::Poller callers);
  [[nodiscard]] Result<> meet_engine();
  [[nodiscard]] Result<> take_notifier(int engine);
  void drop_notifier(int notifier);
  [[nodiscard]] Result<> take_calls(Clock::time_point now);
  void consider(const Call& call, Clock::time_point now);
  [[nodiscard]] bool may_be_ours(const sys::Notification& said) const;
  [[nodiscard]] Result<> ask(const Call& call, Clock::time_point now);
  [[nodiscard]] Call take_back();
  [[nodiscard]] Result<> start_agent();
  void hear(Clock::time_point now);
  void bury_agent(Clock::time_point now);
  void settle(std::uint32_t answer);
  [[nodiscard]] bool admit(const Guest& guest);
  [[nodiscard]] Result<bool> connect(const Guest& guest, Post& post);
  void tell(const Call& call, std::uint64_t socket, int code);
  [[nodiscard]] Result<int> connect_now(const Fd& socket, const Post& post);
  [[nodiscard]] Post* post_at(std::string_view path) const;
  void end_agent();
  void reap();

  const Street& street_;
  uid_t agent_uid_;
  Posts posts_;
  Fd listener_;          ///< for the engine
  sys::Poller poller_;   ///< listener, engines, agent, and the next
  sys::Poller callers_;  ///< all notifiers; not watched while the agent thinks
  std::map<int, Fd> engines_;
  std::map<int, Fd> notifiers_;
  std::vector<std::string> paths_;  ///< as the agent knows them
  std::optional<Sandboxed> agent_;
  std::vector<Sandboxed> dying_;
  std::optional<Call> asked_;
  Clock::time_point asked_at_;
  std::vector<Clock::time_point> deaths_;  ///< of agents, within the last minute
  bool given_up_ = false;
  std::deque<Guest> waiting_;          ///< for room
  std::deque<std::uint64_t> unheard_;  ///< sockets that were connected when their caller was just leaving
};

}  // namespace xc::shim
