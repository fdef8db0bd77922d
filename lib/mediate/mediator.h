// The one virtual interface of the product: a protocol between a client and a server, as a machine without sockets.
//
// Runs in the worker: own namespaces, no capability, a dozen system calls. It sees bytes from both sides and treats
// both as hostile. Back-pressure, half-close, limits, time and epoll live once, in shim/session.
// A new protocol is one .cc file with its make_*(), one enumerator of model::Type and one line in make_mediator().
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "mediate/latency.h"
#include "mediate/observer.h"
#include "mediate/stream.h"
#include "model/rights.h"
#include "model/service.h"

namespace xc::mediate {

/// How the monitor fared with the provider before it handed the client over.
enum class Upstream : std::uint8_t {
  connected,  ///< there is a server
  absent,     ///< no provider offers the service now, or nobody listens there
  failed,     ///< the provider is there and could not be reached
  denied,     ///< the provider or host policy refuses this client
};

/// Figures of one link that status shows; plain numbers in memory shared with the monitor, which believes none of
/// them (they come from a process that parses hostile bytes).
struct Tally {
  std::uint64_t messages = 0;     ///< requests, calls, ... that were passed on
  std::uint64_t refusals = 0;     ///< messages answered with a refusal of ours
  std::uint64_t to_server = 0;    ///< bytes
  std::uint64_t to_client = 0;    ///< bytes
  std::uint64_t descriptors = 0;  ///< descriptors passed, both ways
  Latency latency;                ///< from a request to the provider's answer, where the protocol knows both

  Tally& operator+=(const Tally& other) {
    messages += other.messages;
    refusals += other.refusals;
    to_server += other.to_server;
    to_client += other.to_client;
    descriptors += other.descriptors;
    latency += other.latency;
    return *this;
  }
};

/// How large a file is that lies in memory or on a disk at hand; empty for any other descriptor. Whoever maps another
/// one may wait for whoever serves it.
using MemorySize = std::optional<std::uint64_t> (*)(int descriptor);

/// Everything a mediator is told about its link. The references outlive it.
struct Terms {
  model::Type type = model::Type::raw_unix;
  const std::string& client;  ///< identity of the container, never taken from the wire (R21)
  const std::string& role;
  const std::string& service;
  const model::Rights& rights;  ///< effective rights
  Upstream upstream = Upstream::connected;
  Tally& tally;
  Observer* observer = nullptr;      ///< told of every message; null = nobody ever listens
  MemorySize memory_size = nullptr;  ///< asked of descriptors that a peer will map; null = they pass unseen
  std::string_view token{};          ///< what clients must say to be heard, where the protocol can; empty = nothing

  /// Whom to tell of messages now; null = nobody.
  [[nodiscard]] Observer* listener() const { return observer != nullptr && observer->listening() ? observer : nullptr; }
  [[nodiscard]] std::uint64_t now() const { return observer != nullptr ? observer->now() : 0; }
  /// Counts the time of an answer of the provider's to what began at `began` by now(); 0 = that is not known.
  void answered(std::uint64_t began) const {
    if (began != 0) tally.latency.add(now() - began);
  }
  void refused(std::string_view sentence) const {
    if (observer != nullptr) observer->on_refusal(sentence);
  }
};

class Mediator {
 public:
  Mediator() = default;
  Mediator(const Mediator&) = delete;
  Mediator& operator=(const Mediator&) = delete;
  virtual ~Mediator() = default;

  /// Moves what can be moved: called when bytes arrived, an end was seen or room appeared. Must make all progress that
  /// is possible and return; must not keep bytes that it could pass on. Ends `to_server` and `to_client` when nothing
  /// more will be written there; the session closes the connection when both are finished.
  /// An error ends the connection at once; its text goes to the log, so it must hold no raw byte of the peers.
  [[nodiscard]] virtual Result<> advance(Wire wire) = 0;

  /// How long the session may wait for the next byte from either side before it calls expire(); empty = for ever.
  [[nodiscard]] virtual std::optional<std::chrono::milliseconds> patience() const { return std::nullopt; }
  /// Patience ran out: answer if the protocol has words for it, and end the streams; or return the error.
  [[nodiscard]] virtual Result<> expire(Wire /*wire*/) { return fail(Kind::again, "no byte in time"); }

  /// True while it keeps bytes of its own that only wait for room in `to_server` or `to_client`: then the session calls
  /// advance() as soon as there is some, though nothing arrived.
  [[nodiscard]] virtual bool holds_back() const { return false; }

  /// True while a server that reads no more is heard out: it may have answered and left. The client then goes on as if
  /// it were heard, and the mediator ends when the server's side does.
  [[nodiscard]] virtual bool hears_out() const { return false; }

  /// True once nothing that follows needs inspection, in either direction and for ever: the session may move the bytes
  /// by a faster path and never call advance() again.
  [[nodiscard]] virtual bool transparent() const { return false; }
};

/// The mediator for `terms.type`; null for a type whose bytes nobody has to understand
/// (`unix`, which shim/relay passes on, and devices).
[[nodiscard]] std::unique_ptr<Mediator> make_mediator(const Terms& terms);

// One maker per protocol, each in the file of its name.
[[nodiscard]] std::unique_ptr<Mediator> make_rest(const Terms& terms);   // rest.cc: HTTP/1
[[nodiscard]] std::unique_ptr<Mediator> make_http2(const Terms& terms);  // h2.cc: rest links that speak h2c
[[nodiscard]] std::unique_ptr<Mediator> make_dbus(const Terms& terms);
[[nodiscard]] std::unique_ptr<Mediator> make_wayland(const Terms& terms);

}  // namespace xc::mediate
