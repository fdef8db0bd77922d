// Wayland messages as bytes: the header, the arguments by signature, and messages of our own. Host byte order, as the
// wire has it. Pure; runs in the worker. Must never read an argument without its signature.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "mediate/wl_tables.h"

namespace xc::mediate::wl {

inline constexpr std::size_t header_size = 8;
/// libwayland up to 1.22 can neither send nor take more in one message.
inline constexpr std::size_t max_message = 4096;
inline constexpr std::size_t max_args = 20;  // the generator refuses more

struct Header {
  std::uint32_t object = 0;
  std::uint16_t opcode = 0;
  std::uint16_t size = 0;  ///< with the header
};
/// `bytes` must hold header_size.
[[nodiscard]] Header parse_header(std::string_view bytes);
/// At least a header, a multiple of four, and not above the limit.
[[nodiscard]] bool is_sane(const Header& header);

/// An argument; views look into the message.
struct Arg {
  ArgSpec spec;
  std::uint32_t value = 0;     ///< numbers and ids; of strings and arrays the length as it was written
  std::string_view text;       ///< of a string, without its NUL
  std::string_view interface;  ///< of an untyped new_id: what it shall be
  std::uint32_t version = 0;   ///< the same
};

struct Args {
  std::array<Arg, max_args> all;
  std::size_t count = 0;
  std::size_t descriptors = 0;
  [[nodiscard]] const Arg* begin() const { return all.data(); }
  [[nodiscard]] const Arg* end() const { return all.data() + count; }
  [[nodiscard]] const Arg& operator[](std::size_t i) const { return all[i]; }
};

/// Arguments of a message of that signature; `body` is the message without its header. Empty when they do not fit: too
/// short, too long, a string without its end or with a NUL inside, or null where the protocol allows none.
[[nodiscard]] bool parse_args(const MessageSpec& spec, std::string_view body, Args& into);

/// A message of ours.
class Writer {
 public:
  Writer(std::uint32_t object, std::uint16_t opcode);
  Writer& number(std::uint32_t value);
  Writer& string(std::string_view text);
  /// The message, with its size filled in; it must not be above max_message.
  [[nodiscard]] std::string take();

 private:
  std::string bytes_;
  std::uint16_t opcode_;
};

/// How many bytes a string argument of that length takes.
[[nodiscard]] constexpr std::size_t string_size(std::size_t length) {
  return 4 + (length + 1 + 3) / 4 * 4;
}

}  // namespace xc::mediate::wl
