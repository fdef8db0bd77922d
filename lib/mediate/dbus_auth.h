// The handshake before the first D-Bus message (specification, "Authentication Protocol"), ended on both sides: the
// client's claims go no further than this, and towards the bus we are whoever the kernel says we are.
//
// Pure; runs in the worker. Must never pass a byte of one handshake into the other.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "mediate/stream.h"

namespace xc::mediate::dbus {

/// A line of the handshake, its end included.
inline constexpr std::size_t max_line = 16 * 1024;

/// Our side of the handshake with the bus: EXTERNAL without a claim, so that the bus takes the uid from the socket.
/// It does not wait for the client: a bus has room for few connections that have not introduced themselves, and a
/// container that opens many must not take it from others.
class BusLogin {
 public:
  /// Sends the whole handshake; messages may follow at once.
  void start(Stream& to_bus);
  /// Takes the bus's lines; stops where messages begin. An error when the bus refuses us or breaks the protocol.
  [[nodiscard]] Result<> read(Stream& from_bus);

  [[nodiscard]] bool started() const { return state_ != State::idle; }
  /// The bus accepted us; what it sends from here on is messages.
  [[nodiscard]] bool done() const { return state_ == State::done; }
  /// Which bus it is, and whether it passes descriptors; known when done().
  [[nodiscard]] const std::string& guid() const { return guid_; }
  [[nodiscard]] bool descriptors() const { return descriptors_; }

 private:
  enum class State { idle, challenged, deciding, accepted, done };
  [[nodiscard]] Result<> take_line(std::string_view line);

  State state_ = State::idle;
  bool descriptors_ = false;
  std::string guid_;
};

/// The server's side of the handshake with the client: EXTERNAL only, whatever uid it claims, because identity is the
/// link's. Lines may come pipelined; a line that needs the bus's answer waits for it.
class ClientLogin {
 public:
  /// Takes the client's lines as far as possible. An error ends the connection.
  [[nodiscard]] Result<> read(Stream& from_client, Stream& to_client, const BusLogin& bus);

  /// BEGIN was seen: what follows is messages.
  [[nodiscard]] bool done() const { return state_ == State::done; }
  /// Descriptors may be passed on this connection.
  [[nodiscard]] bool descriptors() const { return descriptors_; }

 private:
  enum class State { first_byte, command, data, accepted, done };
  enum class Taken { yes, wait };

  [[nodiscard]] Result<Taken> take_line(std::string_view line, Stream& out, const BusLogin& bus);
  [[nodiscard]] Taken authenticate(std::string_view claim, Stream& out, const BusLogin& bus);
  void negotiate(Stream& out, const BusLogin& bus);
  void reject(Stream& out);

  State state_ = State::first_byte;
  bool descriptors_ = false;
  int lines_ = 0;
};

}  // namespace xc::mediate::dbus
