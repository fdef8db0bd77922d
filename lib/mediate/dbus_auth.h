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
class BusLogin {
 public:
  enum class Descriptors { not_asked, asked, agreed, refused };

  /// Opens the handshake.
  void start(Stream& to_bus);
  void ask_for_descriptors(Stream& to_bus);
  void begin(Stream& to_bus);
  /// Takes the bus's lines; stops where messages begin. An error when the bus refuses us or breaks the protocol.
  [[nodiscard]] Result<> read(Stream& from_bus);

  [[nodiscard]] bool started() const { return state_ != State::idle; }
  /// The bus accepted us and said which bus it is.
  [[nodiscard]] bool accepted() const { return state_ == State::accepted; }
  [[nodiscard]] const std::string& guid() const { return guid_; }
  [[nodiscard]] Descriptors descriptors() const { return descriptors_; }

 private:
  enum class State { idle, challenged, deciding, accepted };
  [[nodiscard]] Result<> take_line(std::string_view line);

  State state_ = State::idle;
  Descriptors descriptors_ = Descriptors::not_asked;
  std::string guid_;
};

/// The server's side of the handshake with the client: EXTERNAL only, whatever uid it claims, because identity is the
/// link's. Lines may come pipelined; a line that needs the bus's answer waits for it.
class ClientLogin {
 public:
  /// Takes the client's lines as far as possible. An error ends the connection.
  [[nodiscard]] Result<> read(Stream& from_client, Stream& to_client, BusLogin& bus, Stream& to_bus);

  /// BEGIN was seen: what follows is messages.
  [[nodiscard]] bool done() const { return state_ == State::done; }
  /// Descriptors may be passed on this connection.
  [[nodiscard]] bool descriptors() const { return descriptors_; }

 private:
  enum class State { first_byte, command, data, accepted, done };
  enum class Taken { yes, wait };

  [[nodiscard]] Result<Taken> take_line(std::string_view line, Stream& out, BusLogin& bus, Stream& to_bus);
  [[nodiscard]] Result<Taken> authenticate(std::string_view claim, Stream& out, const BusLogin& bus);
  [[nodiscard]] Taken negotiate(Stream& out, BusLogin& bus, Stream& to_bus);
  void reject(Stream& out);

  State state_ = State::first_byte;
  bool descriptors_ = false;
  int lines_ = 0;
};

}  // namespace xc::mediate::dbus
