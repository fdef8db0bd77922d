// One direction of a connection that needs no byte inspected: from socket to socket, with everything that unix(7) lets
// travel along. Runs in the worker; knows nothing of what the bytes mean.
//
// What arrives is passed on as it was sent: a descriptor with its very byte and never glued to what follows, a message
// as one message, an urgent byte as an urgent byte. Little is copied, much is spliced.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "mediate/mediator.h"
#include "sys/lookout.h"
#include "sys/pipes.h"

namespace xc::shim {

/// One socket of a relayed connection, and what is known of it.
struct Port {
  Fd socket;
  bool readable = true;  // tried at once: the peer may have spoken before we came
  bool writable = true;
  bool told = false;  ///< the end was passed to the peer
  bool deaf = false;  ///< the peer reads no more
};

/// What the lanes of one worker share; made before the filter.
struct Toolbox {
  [[nodiscard]] static Result<Toolbox> create();
  sys::Lookout lookout;
  sys::Pipes pipes;
  static constexpr std::size_t bytes = 64UL * 1024;
  [[nodiscard]] std::span<char> room() const { return {buffer.get(), bytes}; }
  std::unique_ptr<char[]> buffer;  ///< not filled: memory that no message has needed yet costs nothing
};

/// What a lane must know of its link.
struct LaneTerms {
  bool packets = false;                     ///< messages with boundaries (seqpacket), not a stream
  std::uint32_t most_descriptors = 0;       ///< in one message
  std::optional<ucred> credentials;         ///< sent along with everything
  mediate::Tally* tally = nullptr;          ///< never null
  std::uint64_t mediate::Tally::* bytes{};  ///< which of its figures counts this direction
  bool drops = false;                       ///< descriptors that may not pass are left out, instead of the end
  mediate::Observer* observer = nullptr;    ///< told of what is moved; may be null
  std::string_view sender{};                ///< who speaks in this direction, for the observer
};

class Lane {
 public:
  /// Both ports outlive the lane.
  Lane(Port& from, Port& to, const LaneTerms& terms) : from_(from), to_(to), terms_(terms) {}
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;
  ~Lane() = default;  // a lent pipe that still holds bytes is closed

  /// Moves what can be moved now, at most a fair share. An error ends the connection.
  [[nodiscard]] Result<> move(Toolbox& tools);

  /// Nothing more will be written there, and the peer was told.
  [[nodiscard]] bool over() const { return over_; }
  /// It wants to read, or waits until it can write.
  [[nodiscard]] bool hungry() const { return !over_ && !ended_ && !holds(); }
  [[nodiscard]] bool stuck() const { return !over_ && holds(); }
  /// The kernel has too many of our descriptors in flight: no event tells when that changes.
  [[nodiscard]] bool must_retry() const { return retry_; }

 private:
  struct Parcel {
    std::string_view bytes;
    std::vector<Fd> descriptors;
    int flags = 0;       ///< MSG_OOB
    bool whole = false;  ///< a message: sent in one piece, even when empty
  };
  [[nodiscard]] bool holds() const { return in_pipe_ > 0 || held_; }
  [[nodiscard]] Result<> take(Toolbox& tools);
  [[nodiscard]] Result<> take_plain(Toolbox& tools, std::size_t size);
  [[nodiscard]] Result<> take_record(Toolbox& tools, std::size_t size);
  [[nodiscard]] Result<> take_urgent();
  [[nodiscard]] Result<> take_packet(Toolbox& tools);
  [[nodiscard]] Result<bool> spliced(Toolbox& tools, std::size_t size);
  [[nodiscard]] Result<> admit(std::vector<Fd>& descriptors);
  /// What has arrived just now: told, then sent on. Nobody looks nearly always, and then this must cost nothing.
  [[nodiscard]] Result<> pass(Parcel&& parcel) {
    if (is_watched()) [[unlikely]]
      tell(parcel);
    return forward(std::move(parcel));
  }
  void tell(const Parcel& parcel) const;
  [[nodiscard]] Result<> forward(Parcel&& parcel);
  [[nodiscard]] Result<std::optional<std::size_t>> send(const Parcel& parcel);
  [[nodiscard]] Result<> deliver(Toolbox& tools);
  [[nodiscard]] Result<> drain_pipe(Toolbox& tools);
  [[nodiscard]] Result<> refused(int code);
  void count(std::size_t bytes) { terms_.tally->*terms_.bytes += bytes; }
  [[nodiscard]] bool is_watched() const { return terms_.observer != nullptr && terms_.observer->listening(); }
  void give_up(Toolbox& tools);
  void finish();

  Port& from_;
  Port& to_;
  LaneTerms terms_;
  std::optional<Parcel> held_;  ///< what the other side had no room for; its bytes stand in store_
  std::string store_;
  std::optional<sys::Pipe> pipe_;
  std::size_t in_pipe_ = 0;
  bool ended_ = false;  ///< `from` has ended; what is held is still to be delivered
  bool over_ = false;
  bool retry_ = false;
};

}  // namespace xc::shim
