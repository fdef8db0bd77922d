// The second wall of one Wayland link: where the compositor offers security contexts (wp_security_context_v1), the
// link's connections go through one, so that the compositor itself knows them as sandboxed. Made once, at the first
// client, and again when the compositor was started anew. Runs in the monitor; reads no byte of anybody: a herald
// speaks.
//
// Fails closed: an offered context that cannot be had refuses the client, and nobody is let past it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "shim/herald.h"
#include "sys/parent_dir.h"

namespace xc::shim {

class Ward {
 public:
  /// `uid` is the workers'. A context's listening socket is made in the first of `places` that can be written to.
  Ward(uid_t uid, std::vector<std::string> places) : uid_(uid), places_(std::move(places)) {}

  /// A connection through the context to the compositor whose socket `file` is (O_PATH, borrowed; none for a name);
  /// nothing when there is no context (yet), and the compositor itself must be connected to: admit() then judges.
  /// EAGAIN: that is being found out, try again.
  [[nodiscard]] Result<std::optional<Fd>> enter(const Fd& file);
  /// `server`, an unused connection to the compositor itself, when it offers no contexts. Otherwise the connection is
  /// spent on asking, and the answer is EAGAIN.
  [[nodiscard]] Result<Fd> admit(Fd server, const Fd& file, const mediate::wl::ContextNames& names);
  /// It is another compositor now, or the link has another name: the context ends.
  void forget();

 private:
  enum class State : std::uint8_t { unknown, asking, absent, standing };
  [[nodiscard]] Result<> hear_herald();
  [[nodiscard]] std::unexpected<Error> refuse(const std::string& why);
  [[nodiscard]] Result<> ask(Fd server, const mediate::wl::ContextNames& names);

  uid_t uid_;
  std::vector<std::string> places_;
  State state_ = State::unknown;
  Fd compositor_file_;        ///< held, so that no other socket can have its number
  sys::FileId compositor_{};  ///< of that file
  pid_t compositor_pid_ = 0;  ///< who listened there
  Fd inside_;                 ///< O_PATH; the context's socket, which the compositor alone listens at
  Fd closing_;                ///< dropped: the compositor ends the context
  bool served_ = false;       ///< somebody came through the context
  std::optional<Herald> herald_;
  std::optional<Error> refusal_;                      ///< of the last herald, for everybody until `not_before_`
  std::chrono::steady_clock::time_point not_before_;  ///< of the next herald
};

}  // namespace xc::shim
