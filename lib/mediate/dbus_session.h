// What one client is to the bus after the handshake: the state that the judges of both directions share.
// Pure; runs in the worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "mediate/dbus_flow.h"
#include "mediate/dbus_match.h"
#include "mediate/dbus_message.h"
#include "mediate/dbus_names.h"
#include "mediate/dbus_policy.h"
#include "mediate/dbus_serials.h"
#include "mediate/mediator.h"

namespace xc::mediate::dbus {

/// Bodies up to this size are checked against their signature; longer ones are streamed, and checked by whoever reads
/// them. Calls to the bus are never longer.
inline constexpr std::size_t max_checked_body = 16 * 1024;
/// Enough for a first argument that is an interface name.
inline constexpr std::size_t first_argument = 4 + 255 + 1;

/// What becomes of a message.
struct Verdict {
  enum class Act : std::uint8_t {
    wait,     ///< the same message again when something has changed
    drop,     ///< nobody gets it
    pass,     ///< `bytes` is its header, its body follows
    replace,  ///< `bytes` is a whole message in its place
    answer,   ///< `bytes` is a whole message back to where it came from
  };
  Act act = Act::drop;
  std::string bytes{};
  std::string reason{};     ///< why it was refused, for a person; empty = it was not, or it is of no interest
  std::uint64_t began = 0;  ///< of a reply: when its call was passed on
};

/// Error names of the bus.
inline constexpr std::string_view access_denied = "org.freedesktop.DBus.Error.AccessDenied";
inline constexpr std::string_view limits_exceeded = "org.freedesktop.DBus.Error.LimitsExceeded";

struct Session {
  Session(Policy effective, Tally& figures) : policy(std::move(effective)), tally(figures) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// learning: the bus has not yet told what we must know to judge. ready: the client has not said Hello yet.
  /// open: messages pass.
  enum class State : std::uint8_t { learning, ready, open };

  Policy policy;
  Names names{policy};
  MatchRules matches;
  CallsOut calls_out;
  CallsIn calls_in;
  State state = State::learning;
  bool passes_descriptors = false;  ///< the client negotiated them
  std::uint64_t now = 0;            ///< by the observer's clock; 0 = there is none
  Tally& tally;

  /// Introduces us to the bus and asks who owns what; goes right behind the handshake.
  void start();
  /// Asks the bus for the owner of `name`.
  void ask_owner(std::string_view name);
  /// One of our questions was answered.
  void learned();
  /// Our own calls that have to go to the bus now.
  [[nodiscard]] std::string take_questions() { return std::exchange(questions_, {}); }

  /// Descriptors a message may carry.
  [[nodiscard]] std::uint32_t descriptor_limit() const { return passes_descriptors ? policy.descriptors() : 0; }

  /// A serial for a message of ours to the client.
  [[nodiscard]] std::uint32_t next_local_serial();

 private:
  void ask(std::string_view member, std::string_view argument, Expect expect);

  std::string questions_;
  std::size_t outstanding_ = 0;
  std::uint32_t local_serial_ = 0;
};

/// What rules look at, with the first argument where it names the interface of a property, and with all where a rule
/// asks for one. An argument that is not at hand is absent.
[[nodiscard]] Subject subject_of(const Session& session, const Message& message);

/// False when the whole body is at hand and is not what the signature says.
[[nodiscard]] bool is_sound(const Message& message);

/// Bytes of the body that a judge needs to see.
[[nodiscard]] std::size_t wanted_outbound(const Session& session, const Header& header);
[[nodiscard]] std::size_t wanted_inbound(const Session& session, const Header& header);

/// Which rules let a message pass, of each document that has a say: for a trace. Empty when none did, or none was
/// asked.
[[nodiscard]] std::string deciding_rules(const Session& session, bool outbound, const Message& message);

/// Judges a message of the client. An error ends the connection.
[[nodiscard]] Result<Verdict> judge_outbound(Session& session, const Message& message);
/// Judges a message of the bus. An error ends the connection.
[[nodiscard]] Result<Verdict> judge_inbound(Session& session, const Message& message);

}  // namespace xc::mediate::dbus
