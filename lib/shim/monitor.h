// The privileged half of the shim: one per container, alive as long as the container's init. Accepts, has the provider
// connected (shim/door), passes the pair to the link's worker. One direction only: it reads no byte of a client, a
// provider or a worker, so no parser stands between sandbox and privilege.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "shim/config.h"
#include "shim/desk.h"
#include "shim/guard.h"
#include "shim/lease_desk.h"
#include "shim/order.h"
#include "shim/post.h"
#include "shim/redirector.h"
#include "sys/poller.h"

namespace xc::shim {

/// What the monitor watches besides its links. Descriptors that are not set are not watched.
struct Watch {
  Fd lifetime;  ///< a pidfd, or a pipe: when it becomes readable or hangs up, the monitor's work is done
  Fd signals;   ///< signalfd: SIGTERM or SIGINT ends the monitor
  Fd observer;  ///< workers tell there what they do (SOCK_SEQPACKET)
  Fd status;    ///< listening socket: whoever connects gets the status as JSON and is let go
  Fd orders;    ///< listening socket of shim/desk
};

/// What orders change besides the links.
struct Estate {
  std::vector<Fd> directories;       ///< holds on what was planted, in the order of the record
  std::vector<model::Offered> host;  ///< what the host offers of the links' services
};

class Monitor {
 public:
  /// One listener for each of config.links. All of these outlive the monitor; `estate` may be null: then links can
  /// neither be added nor removed.
  [[nodiscard]] static Result<std::unique_ptr<Monitor>> create(const Config& config, const Street& street,
                                                               std::vector<Fd> listeners, Watch watch,
                                                               Estate* estate = nullptr);
  /// Serves until the lifetime ends or a signal says so; then no worker and no connection is left.
  [[nodiscard]] Result<> run();

 private:
  /// Tokens of the poller: a link's place, others above, and from here on an observer's socket.
  static constexpr std::uint64_t guard_token = (1U << 20U) + 4;
  static constexpr std::uint64_t observer_token = (1U << 20U) + (1U << 16U);

  Monitor(const Config& config, const Street& street, Watch watch, sys::Poller poller, Estate* estate);
  [[nodiscard]] Result<> watch();
  [[nodiscard]] Result<Post*> place(const model::Link& link, std::unique_ptr<model::Link> own, Fd listener);
  [[nodiscard]] Result<> open_lease_desk(const model::Link& link, std::unique_ptr<model::Link> own, Fd listener);
  [[nodiscard]] Result<bool> handle(std::uint64_t token);
  void serve(std::size_t index);
  [[nodiscard]] Result<> look_after_devices();
  [[nodiscard]] Result<> open_redirector();
  [[nodiscard]] std::vector<Post*> redirected_posts() const;
  void check_workers();
  void resume_due();
  void watch_workers(const Post& post);
  void watch_shortcuts();
  void renew_watched_workers();
  void answer_status();
  [[nodiscard]] Result<> obey(Order& order, std::vector<Fd>& descriptors);
  [[nodiscard]] Result<> observe(const Order& order, std::vector<Fd>& descriptors);
  [[nodiscard]] Result<> add(Order& order, std::vector<Fd>& descriptors);
  [[nodiscard]] Result<> place_any(std::unique_ptr<model::Link> own, std::vector<Fd>& descriptors);
  [[nodiscard]] Result<> guard(std::unique_ptr<model::Link> own);
  [[nodiscard]] Result<> remove(const Order& order);
  void remove_post(std::size_t index);
  [[nodiscard]] bool remove_lease(const std::string& target);
  [[nodiscard]] bool remove_device(const std::string& target);
  [[nodiscard]] std::size_t count_links() const;
  void drop_observer(int socket);
  [[nodiscard]] int milliseconds_to_wait() const;

  struct Paused {
    std::size_t index;
    Clock::time_point until;
  };
  /// A link that is served, or a free place: posts are known by their index.
  struct Place {
    std::unique_ptr<model::Link> own;  ///< when it is not one of the configuration
    std::unique_ptr<Post> post;
  };
  /// A screen that is leased, or a free place.
  struct Counter {
    std::unique_ptr<model::Link> own;
    std::unique_ptr<LeaseDesk> desk;
  };
  struct Observer {
    std::string service;  ///< empty: all
    std::string target;
    bool payload = false;
    Fd socket;
    [[nodiscard]] bool wants(const model::Link& link) const;
  };
  const Config& config_;
  const Street& street_;
  Watch watch_;
  sys::Poller poller_;
  Desk desk_;
  std::vector<Counter> lease_desks_;
  Estate* estate_;
  uid_t worker_uid_;
  std::vector<Place> places_;
  std::vector<Observer> observers_;
  std::unique_ptr<Redirector> redirector_;  ///< when the container's filter asks about connect(2)
  DeviceGuard guard_;
  bool guard_asleep_ = false;
  std::vector<Paused> paused_;
  bool worker_ended_ = false;  ///< one of them, as the poller says
  std::vector<int> watched_workers_;
  std::vector<int> watched_shortcuts_;  ///< one for each link; -1 = not now
  Clock::time_point now_;
};

}  // namespace xc::shim
