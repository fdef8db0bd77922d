// JSON text out of plain structs, through the same fields() functions as base/pack.h. Output only: reading JSON is the
// parse room's. No library, because these lines are shorter than the adapter for one.
#pragma once

#include <string>
#include <string_view>

#include "base/pack.h"
#include "base/text.h"

namespace xc {

/// `text` between quotes, escaped as RFC 8259 asks; bytes that are not UTF-8 become U+FFFD.
[[nodiscard]] std::string json_string(std::string_view text);

/// Builds one JSON value. Members that are empty optionals are left out; enums are written by name through
/// `std::string_view name_of(E)`, found in the enum's namespace.
class JsonOut {
 public:
  template <class T>
  void operator()(std::string_view name, T& member) {
    if constexpr (detail::is_optional<T>)
      if (!member) return;
    separate();
    out_ += json_string(name);
    out_ += ':';
    put(member);
  }

  template <class T>
  void put(T& value) {
    if constexpr (std::is_same_v<T, std::string>) {
      out_ += json_string(value);
    } else if constexpr (std::is_same_v<T, bool>) {
      out_ += value ? "true" : "false";
    } else if constexpr (std::is_enum_v<T>) {
      out_ += json_string(name_of(value));
    } else if constexpr (std::is_signed_v<T>) {
      out_ += text::number(std::int64_t{value});
    } else if constexpr (std::is_unsigned_v<T>) {
      out_ += text::number(std::uint64_t{value});
    } else if constexpr (detail::is_optional<T>) {
      put(*value);
    } else if constexpr (detail::is_vector<T>) {
      open('[');
      for (auto& element : value) {
        separate();
        put(element);
      }
      close(']');
    } else if constexpr (detail::is_map<T>) {
      open('{');
      for (auto& [key, element] : value) (*this)(key, element);
      close('}');
    } else {
      open('{');
      fields(*this, value);
      close('}');
    }
  }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  void open(char bracket) { out_ += bracket; }
  void close(char bracket) { out_ += bracket; }
  void separate() {
    if (!out_.empty() && out_.back() != '{' && out_.back() != '[' && out_.back() != ':') out_ += ',';
  }
  std::string out_;
};

/// `value` as one line of JSON.
template <class T>
[[nodiscard]] std::string to_json(T value) {
  JsonOut out;
  out.put(value);
  return out.take();
}

}  // namespace xc
