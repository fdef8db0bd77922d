// Where the monitor takes orders: a listening socket in a directory that is root's alone, and a few callers who have
// not said yet what they want. Nothing here waits. Only processes of our own user are heard, and never a worker.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "shim/order.h"
#include "sys/poller.h"

namespace xc::shim {

class Desk {
 public:
  /// `listener` (SOCK_SEQPACKET) may be none. Events carry `token`; both outlive the desk.
  Desk(Fd listener, sys::Poller& poller, std::uint64_t token);

  /// Starts to wait for callers.
  [[nodiscard]] Result<> open();

  /// Something waits at the desk: new callers, or orders. Each order is carried out by `obey`, and answered.
  using Obey = std::function<Result<>(Order&, std::vector<Fd>&)>;
  void serve(const Obey& obey);

 private:
  void let_in();
  /// False when the caller can go.
  [[nodiscard]] bool hear(const Fd& caller, const Obey& obey);

  Fd listener_;
  sys::Poller& poller_;
  std::uint64_t token_;
  std::vector<Fd> callers_;
};

}  // namespace xc::shim
