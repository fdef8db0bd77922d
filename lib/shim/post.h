// One link of one consumer as the monitor keeps it: the listener, the way to the provider, the worker. Runs in the
// monitor; reads no byte of a client, a provider or a worker.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "model/link.h"
#include "shim/door.h"
#include "shim/handover.h"
#include "shim/page.h"
#include "shim/sandbox.h"
#include "shim/session.h"
#include "shim/shortcut.h"

namespace xc::shim {

/// What a link shows in status.
struct PostStatus {
  std::string service;
  std::string type;
  std::string role;
  std::string target;
  std::vector<model::Attempt> passed_over;  ///< places that it does not have, and why
  std::string state;                        ///< "open", "direct" (the provider's own socket is shown), "closed"
  std::string provider;                     ///< who answered last
  std::string client;                       ///< who was redirected here last
  std::string reason;                       ///< why the last attempt failed, or why the link is closed
  std::uint64_t connections = 0;
  std::uint64_t active = 0;
  std::uint64_t messages = 0;
  std::uint64_t refusals = 0;
  std::uint64_t to_server = 0;
  std::uint64_t to_client = 0;
  std::uint64_t descriptors = 0;
  std::uint64_t restarts = 0;
  std::int64_t worker = 0;                       ///< pid, 0 while none runs
  std::map<std::string, std::uint64_t> limits;   ///< which limit was reached how often
  std::map<std::string, std::uint64_t> latency;  ///< answers that took so many microseconds at most: how many
  std::vector<std::string> last_reasons;
};
template <class A>
void fields(A& a, PostStatus& s) {
  a("service", s.service);
  a("type", s.type);
  a("role", s.role);
  a("target", s.target);
  a("passed-over", s.passed_over);
  a("state", s.state);
  a("provider", s.provider);
  a("client", s.client);
  a("reason", s.reason);
  a("connections", s.connections);
  a("active", s.active);
  a("messages", s.messages);
  a("refusals", s.refusals);
  a("to-server", s.to_server);
  a("to-client", s.to_client);
  a("descriptors", s.descriptors);
  a("restarts", s.restarts);
  a("worker", s.worker);
  a("limits", s.limits);
  a("latency", s.latency);
  a("last-reasons", s.last_reasons);
}

/// What the plan says of a link, "open", and no figure yet.
[[nodiscard]] PostStatus status_of(const model::Link& link);

class Post {
 public:
  /// `link` and `street` outlive the post.
  Post(const model::Link& link, const Street& street, uid_t worker_uid, Fd listener);

  /// Accepts one connection that waits and hands it to a worker. The answer says how long to leave the listener alone
  /// (the provider's backlog or the worker is full); empty = until somebody knocks.
  [[nodiscard]] std::optional<std::chrono::milliseconds> serve(Clock::time_point now);

  /// Before the container goes on: a provider that is there may be had directly.
  void begin();
  /// Readable when a direct link must be looked at (notice()); -1 = not now.
  [[nodiscard]] int shortcut_descriptor() const { return shortcut_.descriptor(); }
  void notice(Clock::time_point now) { shortcut_.notice(now); }

  /// A client of a vchan that waits for its server: serve() must be called though nobody knocks.
  [[nodiscard]] bool holds_client() const { return static_cast<bool>(early_); }

  /// Workers tell what they do to this socket (borrowed), until forget(): those that run, and those to come. An error
  /// when one that runs cannot be told now.
  [[nodiscard]] Result<> observe(int socket, bool payload);
  void forget(int socket);
  /// Buries workers that died and ends one that stopped taking connections. True when a worker is gone.
  bool check(Clock::time_point now);
  /// When check() must be called though nothing happened; empty = never.
  [[nodiscard]] std::optional<Clock::time_point> next_check() const;
  /// The pidfds of living workers, for the poller.
  [[nodiscard]] std::vector<int> worker_descriptors() const;
  /// Of a target "connect:/path": whether one more can be connected to the listener here and now, without waiting.
  [[nodiscard]] bool has_room() const;
  /// One more was, and it is `client`.
  void note_redirected(std::string client);
  /// -1 when the link is closed for good.
  [[nodiscard]] int listener() const { return listener_.get(); }
  void close(std::string reason);
  /// The container is gone: nobody is served any more, no connection survives.
  void end();
  [[nodiscard]] PostStatus status() const;
  [[nodiscard]] const model::Link& link() const { return link_; }

 private:
  struct Worker {
    Sandboxed process;
    std::uint64_t generation = 0;  ///< of the rights it was told
  };
  /// What a worker that died had not taken yet, for the next one under the same rights.
  struct Legacy {
    Fd queue;
    std::uint64_t generation = 0;
  };
  struct Observer {
    int socket;
    bool payload;
  };
  /// A worker that was told to finish what it has; what it says counts for its own connections alone.
  struct Retired {
    Sandboxed process;
    SharedPage page;
    std::uint64_t passed = 0;
  };
  /// What workers that are gone have done.
  struct Past {
    std::uint64_t passed = 0;
    mediate::Tally tally;
    std::vector<std::string> reasons;
  };
  void tend_shortcut();
  [[nodiscard]] std::optional<std::chrono::milliseconds> accept_early();
  [[nodiscard]] Fd accept();
  [[nodiscard]] Result<> admit(Fd client, Door::Opened opened, Clock::time_point now);
  [[nodiscard]] std::optional<std::chrono::milliseconds> serve_vchan(Clock::time_point now);
  [[nodiscard]] Result<> greet(const Fd& server) const;
  [[nodiscard]] Result<> hand_over(const Handover& handover, Clock::time_point now);
  [[nodiscard]] Result<> start_worker(Clock::time_point now);
  void try_worker(Clock::time_point now);
  void pass_on_legacy(Clock::time_point now);
  void retire_worker();
  void bury(Clock::time_point now);
  void count_crash(Clock::time_point now);
  void keep_figures(const SharedPage& page, std::uint64_t passed);
  void turn_away(const std::string& why);
  void note_limits();
  [[nodiscard]] bool saturated() const;
  [[nodiscard]] std::uint64_t untaken() const;
  [[nodiscard]] std::uint64_t active() const;

  const model::Link& link_;
  const Street& street_;
  uid_t worker_uid_;
  Fd listener_;
  Fd early_;  ///< see holds_client()
  Door door_;
  Shortcut shortcut_;
  unsigned connections_;  ///< at the same time
  SharedPage page_;       ///< the worker's; a link that nobody uses costs nothing
  std::optional<Worker> worker_;
  std::optional<Legacy> legacy_;
  std::vector<Retired> retired_;
  Past past_;
  bool closed_ = false;
  std::vector<Observer> observers_;
  std::string reason_;
  std::string client_;             ///< who was redirected here last
  std::uint64_t redirected_ = 0;   ///< clients that were
  std::uint64_t accepted_ = 0;     ///< clients in all
  std::uint64_t passed_ = 0;       ///< connections handed to the worker
  std::uint64_t turned_away_ = 0;  ///< connections of a raw link closed because there was no provider for them
  std::uint64_t refused_ = 0;      ///< of those, because the provider or host policy says no
  std::uint64_t restarts_ = 0;
  std::map<std::string, std::uint64_t> limits_;  ///< reached, how often
  bool queue_is_full_ = false;
  bool connections_are_full_ = false;
  Clock::time_point waiting_since_;         ///< of the oldest connection no worker has taken
  std::vector<Clock::time_point> crashes_;  ///< within the last minute
  Clock::time_point not_before_;            ///< back-off after a crash
};

}  // namespace xc::shim
