// Plain structs as bytes and back, between two processes of ours (the parser's child and the hook, the hook and the
// shim). Not a file format: both ends are always of the same build.
//
// A struct takes part by a free function in its own namespace that names every member once:
//     template <class Archive> void fields(Archive& a, Offer& o) { a("name", o.name); a("type", o.type); }
// The same function drives JSON output (base/json_out.h), so a member cannot be forgotten in one of them.
//
// unpack() treats its input as hostile: every length is checked against what is left before it is used, enums must
// lie below their `count_`, and trailing bytes are an error (R17).
#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/result.h"

namespace xc {

namespace detail {
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_map = false;
template <class T>
inline constexpr bool is_map<std::map<std::string, T>> = true;
}  // namespace detail

class Packer {
 public:
  template <class T>
  void operator()(std::string_view /*name*/, T& member) {
    put(member);
  }
  [[nodiscard]] std::string take() { return std::move(bytes_); }

  template <class T>
  void put(T& value) {
    if constexpr (std::is_same_v<T, std::string>) {
      put_size(value.size());
      bytes_ += value;
    } else if constexpr (std::is_enum_v<T> || std::is_arithmetic_v<T>) {
      bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    } else if constexpr (detail::is_vector<T>) {
      put_size(value.size());
      for (auto& element : value) put(element);
    } else if constexpr (detail::is_optional<T>) {
      bytes_ += value ? '\1' : '\0';
      if (value) put(*value);
    } else if constexpr (detail::is_map<T>) {
      put_size(value.size());
      for (auto& [key, element] : value) {
        std::string copy = key;
        put(copy);
        put(element);
      }
    } else {
      fields(*this, value);
    }
  }

 private:
  void put_size(std::size_t size) {
    const auto count = static_cast<std::uint32_t>(size);
    bytes_.append(reinterpret_cast<const char*>(&count), sizeof count);
  }
  std::string bytes_;
};

class Unpacker {
 public:
  explicit Unpacker(std::string_view bytes) : rest_(bytes) {}

  template <class T>
  void operator()(std::string_view /*name*/, T& member) {
    get(member);
  }
  /// True when everything read so far was there and nothing is left over.
  [[nodiscard]] bool complete() const { return good_ && rest_.empty(); }

  template <class T>
  void get(T& value) {
    if constexpr (std::is_same_v<T, std::string>) {
      value = take(get_size());
    } else if constexpr (std::is_same_v<T, bool>) {
      std::uint8_t byte = 0;
      get_raw(byte);
      good_ = good_ && byte <= 1;
      value = byte == 1;
    } else if constexpr (std::is_enum_v<T>) {
      get_raw(value);
      good_ = good_ && value < T::count_;
      if (!good_) value = T{};
    } else if constexpr (std::is_arithmetic_v<T>) {
      get_raw(value);
    } else if constexpr (detail::is_vector<T>) {
      value.clear();
      for (std::uint32_t left = get_size(); good_ && left > 0; --left) get(value.emplace_back());
    } else if constexpr (detail::is_optional<T>) {
      bool present = false;
      get(present);
      value.reset();
      if (present) get(value.emplace());
    } else if constexpr (detail::is_map<T>) {
      value.clear();
      for (std::uint32_t left = get_size(); good_ && left > 0; --left) {
        std::string key;
        get(key);
        get(value[key]);
      }
    } else {
      fields(*this, value);
    }
  }

 private:
  template <class T>
  void get_raw(T& value) {
    const std::string_view bytes = take(sizeof value);
    if (good_) std::memcpy(&value, bytes.data(), sizeof value);
  }
  /// A count of things that follow: none of them is shorter than a byte, so it cannot exceed what is left.
  std::uint32_t get_size() {
    std::uint32_t size = 0;
    get_raw(size);
    good_ = good_ && size <= rest_.size();
    return good_ ? size : 0;
  }
  std::string_view take(std::size_t size) {
    good_ = good_ && size <= rest_.size();
    if (!good_) return {};
    const auto piece = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return piece;
  }

  std::string_view rest_;
  bool good_ = true;
};

/// `value` as bytes for unpack<T>() of the same build.
template <class T>
[[nodiscard]] std::string pack(T value) {
  Packer packer;
  packer.put(value);
  return packer.take();
}

/// The value packed into `bytes`; Kind::internal when they are not exactly one packed T.
template <class T>
[[nodiscard]] Result<T> unpack(std::string_view bytes) {
  T value{};
  Unpacker unpacker(bytes);
  unpacker.get(value);
  if (!unpacker.complete()) return fail(Kind::internal, "a message between our own processes is malformed");
  return value;
}

}  // namespace xc
