// D-Bus messages: where one ends, what its header says, and headers of our own (specification, "Message Format").
// Pure; runs in the worker on hostile bytes of both sides. Must never pass on a header as it came: every header that
// leaves was written here, so that what was judged and what is delivered cannot differ.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "mediate/dbus_value.h"

namespace xc::mediate::dbus {

/// Bytes that tell how long a message is.
inline constexpr std::size_t measurable = 16;
/// Header with fields and padding. The specification allows 64 MiB; nobody's names and path need more than this, and a
/// header has to fit a stream as a whole to be judged.
inline constexpr std::size_t max_header = 32 * 1024;
/// Header and body (specification).
inline constexpr std::size_t max_message = 128U * 1024 * 1024;

enum class MessageType : std::uint8_t { call = 1, reply = 2, error = 3, signal = 4 };

inline constexpr std::uint8_t no_reply_expected = 1;
inline constexpr std::uint8_t no_auto_start = 2;
inline constexpr std::uint8_t known_flags = 7;

/// What a header says. The views look into the bytes that were parsed; an empty one means the field is absent.
struct Header {
  Order order = Order::little;
  MessageType type = MessageType::call;  ///< may hold a number beyond the enumerators, which nobody may pass on
  std::uint8_t flags = 0;
  std::uint32_t body_size = 0;
  std::uint32_t serial = 0;
  std::uint32_t reply_serial = 0;
  std::uint32_t descriptors = 0;  ///< UNIX_FDS
  std::string_view path;
  std::string_view interface;
  std::string_view member;
  std::string_view error_name;
  std::string_view destination;
  std::string_view sender;
  std::string_view signature;
  bool unknown_field = false;  ///< there was a field that is not one of the above; write_header() leaves it out

  [[nodiscard]] bool wants_reply() const { return type == MessageType::call && (flags & no_reply_expected) == 0; }
};

/// Sizes in bytes of a message that begins with `bytes` (`measurable` of them): its header with padding, and its body.
struct Extent {
  std::size_t header = 0;
  std::uint32_t body = 0;
};

/// Kind::policy when this is no D-Bus message or one beyond our limits: nothing after it can be understood.
[[nodiscard]] Result<Extent> measure(std::string_view bytes);

/// `bytes` are exactly Extent::header long. The error says which rule of the specification is broken.
[[nodiscard]] Result<Header> parse_header(std::string_view bytes);

/// `header` as bytes, padded; body_size bytes of body in its order must follow.
[[nodiscard]] std::string write_header(const Header& header);

/// A whole message: `header` with `body` (body_size is set here).
[[nodiscard]] std::string write_message(Header header, std::string_view body);

/// An error that answers `call`: the text is its only argument. Sender is the bus when `from_bus`.
[[nodiscard]] std::string write_error(const Header& call, std::uint32_t serial, std::string_view name,
                                      std::string_view text, bool from_bus);

/// A body of one string in `order`.
[[nodiscard]] std::string string_body(Order order, std::string_view text);

}  // namespace xc::mediate::dbus
