// Calls that wait for their reply, both ways. Towards the bus every message gets a serial of ours, so that all 2^32
// serials of the client are legal, calls of our own need no reserved range, and mediators can be nested.
//
// Pure; runs in the worker. Must never let one reply through twice, nor from or to anybody but the two of the call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace xc::mediate::dbus {

/// What to do with the reply of a call that went to the bus.
enum class Expect : std::uint8_t {
  reply,      ///< pass it on
  names,      ///< pass it on without the names the client may not see
  facts,      ///< pass it on without descriptors: a dictionary about another connection
  match,      ///< pass it on; if it is an error, the rule in Call::note was not added
  own_hello,  ///< answers our Hello and tells the unique name; not for the client
  own_match,  ///< answers our subscription; not for the client
  own_names,  ///< answers our ListNames; not for the client
  own_owner,  ///< answers our GetNameOwner for the name in Call::note; not for the client
};

/// A call of the client's, or of our own, that the bus or a peer has to answer.
struct Call {
  std::uint32_t serial = 0;  ///< the client's
  Expect expect = Expect::reply;
  std::string peer{};       ///< destination it was sent to
  std::string note{};       ///< see Expect
  bool ordered = false;     ///< the bus answers it before it looks at our next message
  std::uint64_t began = 0;  ///< when, by Session::now
};

/// Calls on their way to the bus side. Bounded.
class CallsOut {
 public:
  static constexpr std::size_t capacity = 4096;

  /// A serial for the next message to the bus; never 0, never one that waits for a reply.
  [[nodiscard]] std::uint32_t next_serial();
  [[nodiscard]] bool full() const { return calls_.size() >= capacity; }
  void add(std::uint32_t serial, Call call);
  /// The call that waits for `serial`; null when there is none.
  [[nodiscard]] const Call* find(std::uint32_t serial) const;
  /// The call that `serial` belongs to, if `sender` may answer it; it is forgotten then. The bus may answer any call,
  /// but only with an error what was sent to somebody else.
  [[nodiscard]] std::optional<Call> take(std::uint32_t serial, std::string_view sender, bool error);
  /// Some answer of the bus itself is outstanding that comes before any answer to what is sent now.
  [[nodiscard]] bool bus_owes() const { return ordered_ > 0; }

 private:
  std::unordered_map<std::uint32_t, Call> calls_;
  std::uint32_t last_ = 0;
  std::size_t ordered_ = 0;
};

/// Calls that peers made to the client. Bounded, in all and for each peer.
class CallsIn {
 public:
  static constexpr std::size_t capacity = 4096;
  static constexpr std::size_t capacity_per_peer = 1024;

  /// False when there are too many.
  [[nodiscard]] bool add(std::string_view peer, std::uint32_t serial);
  /// True when the peer waits for this reply; it does not any more then.
  [[nodiscard]] bool take(std::string_view peer, std::uint32_t serial);
  /// The peer is gone.
  void forget(std::string_view peer);

 private:
  std::map<std::string, std::set<std::uint32_t>, std::less<>> peers_;
  std::size_t count_ = 0;
};

}  // namespace xc::mediate::dbus
