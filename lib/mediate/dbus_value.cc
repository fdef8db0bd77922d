// Marshalled D-Bus values; see the header. Pure, runs in the worker.
#include "mediate/dbus_value.h"

#include <algorithm>

#include "base/text.h"
#include "mediate/dbus_syntax.h"

namespace xc::mediate::dbus {
namespace {

/// Containers of all sorts in one another, variants included (libdbus refuses more as well).
constexpr int max_depth = 64;

std::size_t alignment(char type) {
  switch (type) {
    case 'y':
    case 'g':
    case 'v': return 1;
    case 'n':
    case 'q': return 2;
    case 'x':
    case 't':
    case 'd':
    case '(':
    case '{': return 8;
    default: return 4;
  }
}

}  // namespace

void Reader::align(std::size_t boundary) {
  while (ok_ && at_ % boundary != 0) {
    if (at_ >= bytes_.size() || bytes_[at_] != '\0') ok_ = false;
    ++at_;
  }
}

std::string_view Reader::take(std::size_t size) {
  if (!ok_ || size > bytes_.size() - at_) {
    ok_ = false;
    return {};
  }
  const auto piece = bytes_.substr(at_, size);
  at_ += size;
  return piece;
}

std::uint8_t Reader::byte() {
  const auto piece = take(1);
  return piece.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(piece.front());
}

std::uint32_t Reader::uint32() {
  align(4);
  const auto piece = take(4);
  if (!ok_) return 0;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    const char c = piece[order_ == Order::big ? i : 3 - i];
    value = value << 8 | static_cast<std::uint8_t>(c);
  }
  return value;
}

std::string_view Reader::text(std::size_t size) {
  const auto piece = take(size);
  if (byte() != 0) ok_ = false;
  return ok_ ? piece : std::string_view{};
}

std::string_view Reader::string() {
  const auto piece = text(uint32());
  if (piece.find('\0') != std::string_view::npos || !text::is_utf8(piece)) ok_ = false;
  return piece;
}

std::string_view Reader::path() {
  const auto piece = text(uint32());
  if (!is_object_path(piece)) ok_ = false;
  return piece;
}

std::string_view Reader::signature() {
  const auto piece = text(byte());
  if (!is_signature(piece)) ok_ = false;
  return piece;
}

std::uint32_t Reader::array(std::size_t boundary) {
  const std::uint32_t size = uint32();
  align(boundary);
  if (!ok_ || size > max_array || size > bytes_.size() - at_) {
    ok_ = false;
    return 0;
  }
  return size;
}

void Reader::fixed(std::size_t size) {
  align(size);
  (void)take(size);
}

void Reader::elements(std::string_view type, int depth) {
  const std::uint32_t size = array(alignment(type.front()));
  const std::size_t end = at_ + size;
  if (type == "y") {
    (void)take(size);
    return;
  }
  while (ok_ && at_ < end) value(type, depth);
  if (at_ != end) ok_ = false;
}

void Reader::value(std::string_view type, int depth) {
  if (depth > max_depth) ok_ = false;
  if (!ok_) return;
  switch (type.front()) {
    case 'y': (void)byte(); return;
    case 'b': ok_ = uint32() <= 1 && ok_; return;
    case 's': (void)string(); return;
    case 'o': (void)path(); return;
    case 'g': (void)signature(); return;
    case 'a': elements(type.substr(1), depth + 1); return;
    case '(':
    case '{':
      align(8);
      values(type.substr(1, type.size() - 2), depth + 1);
      return;
    case 'v': {
      const auto inner = signature();
      if (!ok_ || inner.empty() || type_length(inner) != inner.size()) {
        ok_ = false;
        return;
      }
      value(inner, depth + 1);
      return;
    }
    default: fixed(alignment(type.front())); return;
  }
}

void Reader::values(std::string_view signature, int depth) {
  while (ok_ && !signature.empty()) {
    const std::size_t length = type_length(signature);
    if (length == 0) {
      ok_ = false;
      return;
    }
    value(signature.substr(0, length), depth);
    signature.remove_prefix(length);
  }
}

bool is_body(std::string_view body, std::string_view signature, Order order) {
  Reader reader(body, order);
  reader.skip(signature);
  return reader.complete();
}

void Writer::align(std::size_t boundary) {
  bytes_.append((boundary - bytes_.size() % boundary) % boundary, '\0');
}

void Writer::uint32(std::uint32_t value) {
  align(4);
  const std::size_t position = bytes_.size();
  bytes_.append(4, '\0');
  patch(position, value);
}

void Writer::patch(std::size_t position, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t at = position + (order_ == Order::big ? 3 - i : i);
    bytes_[at] = static_cast<char>(value >> (8 * i) & 0xff);
  }
}

void Writer::string(std::string_view text) {
  uint32(static_cast<std::uint32_t>(text.size()));
  bytes_ += text;
  bytes_ += '\0';
}

void Writer::signature(std::string_view text) {
  byte(static_cast<std::uint8_t>(text.size()));
  bytes_ += text;
  bytes_ += '\0';
}

}  // namespace xc::mediate::dbus
