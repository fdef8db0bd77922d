// Marshalled D-Bus values, read and written in either byte order (specification, "Marshaling (Wire Format)").
// Pure; runs in the worker on hostile bytes. Must never read past its view nor allocate by a length on the wire.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace xc::mediate::dbus {

enum class Order : char { little = 'l', big = 'B' };

/// Arrays are at most this long, in bytes.
inline constexpr std::uint32_t max_array = 64U * 1024 * 1024;

/// Reads values from the front of a view whose first byte is aligned to 8. The first thing that is wrong (too short,
/// padding not zero, bad text) makes ok() false for good; whatever is read after that is empty or zero.
class Reader {
 public:
  Reader(std::string_view bytes, Order order) : bytes_(bytes), order_(order) {}

  [[nodiscard]] bool ok() const { return ok_; }
  /// Everything was right and nothing is left.
  [[nodiscard]] bool complete() const { return ok_ && at_ == bytes_.size(); }
  [[nodiscard]] std::size_t position() const { return at_; }

  void align(std::size_t boundary);
  [[nodiscard]] std::uint8_t byte();
  [[nodiscard]] std::uint32_t uint32();
  /// UTF-8 without NUL.
  [[nodiscard]] std::string_view string();
  [[nodiscard]] std::string_view path();
  [[nodiscard]] std::string_view signature();
  /// Length of an array whose elements are aligned to `boundary`; the reader stands at the first one.
  [[nodiscard]] std::uint32_t array(std::size_t boundary);
  /// Checks and passes over one value for each complete type of `signature`, which is valid.
  void skip(std::string_view signature) { values(signature, 0); }

 private:
  void values(std::string_view signature, int depth);
  void value(std::string_view type, int depth);
  void elements(std::string_view type, int depth);
  void fixed(std::size_t size);
  [[nodiscard]] std::string_view take(std::size_t size);
  [[nodiscard]] std::string_view text(std::size_t size);

  std::string_view bytes_;
  Order order_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

/// True when `body` is exactly the values of `signature`.
[[nodiscard]] bool is_body(std::string_view body, std::string_view signature, Order order);

/// Appends values; the result's first byte is aligned to 8.
class Writer {
 public:
  explicit Writer(Order order) : order_(order) {}

  void align(std::size_t boundary);
  void byte(std::uint8_t value) { bytes_ += static_cast<char>(value); }
  void uint32(std::uint32_t value);
  /// A string or an object path.
  void string(std::string_view text);
  void signature(std::string_view text);
  /// Overwrites the number at `position`.
  void patch(std::size_t position, std::uint32_t value);
  [[nodiscard]] std::size_t size() const { return bytes_.size(); }
  [[nodiscard]] std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
  Order order_;
};

}  // namespace xc::mediate::dbus
