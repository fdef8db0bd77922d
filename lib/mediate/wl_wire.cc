// Wayland messages as bytes; see the header. Pure; runs in the worker.
#include "mediate/wl_wire.h"

#include <cstring>

namespace xc::mediate::wl {
namespace {

std::uint32_t word_at(std::string_view bytes, std::size_t offset) {
  std::uint32_t word = 0;
  std::memcpy(&word, bytes.data() + offset, sizeof word);
  return word;
}

void append_word(std::string& bytes, std::uint32_t word) {
  bytes.append(reinterpret_cast<const char*>(&word), sizeof word);
}

class Cursor {
 public:
  explicit Cursor(std::string_view body) : body_(body) {}
  [[nodiscard]] bool finished() const { return good_ && body_.empty(); }
  [[nodiscard]] bool good() const { return good_; }

  std::uint32_t word() {
    if (body_.size() < 4) return fault();
    const std::uint32_t value = word_at(body_, 0);
    body_.remove_prefix(4);
    return value;
  }
  /// The next `length` bytes; those up to the word boundary behind them are skipped.
  std::string_view block(std::uint32_t length) {
    const std::uint64_t padded = (std::uint64_t{length} + 3) / 4 * 4;  // a size_t of 32 bits would begin anew
    if (!good_ || body_.size() < padded) {
      (void)fault();
      return {};
    }
    const std::string_view bytes = body_.substr(0, length);
    body_.remove_prefix(static_cast<std::size_t>(padded));
    return bytes;
  }
  /// A string that is there. One with a NUL inside would be another string for its reader.
  std::string_view string(std::uint32_t length) {
    const std::string_view bytes = block(length);
    if (bytes.empty() || bytes.find('\0') != bytes.size() - 1) {
      (void)fault();
      return {};
    }
    return bytes.substr(0, bytes.size() - 1);
  }
  std::uint32_t fault() {
    good_ = false;
    return 0;
  }

 private:
  std::string_view body_;
  bool good_ = true;
};

void read_string(Cursor& cursor, Arg& arg) {
  arg.value = cursor.word();
  if (arg.value > 0)
    arg.text = cursor.string(arg.value);
  else if (!arg.spec.nullable())
    (void)cursor.fault();
}

void read_new_id(Cursor& cursor, Arg& arg) {
  if (arg.spec.interface() == any_interface) {  // the wire names what the signature leaves open
    arg.interface = cursor.string(cursor.word());
    arg.version = cursor.word();
  }
  arg.value = cursor.word();
  if (arg.value == 0) (void)cursor.fault();
}

void read_arg(Cursor& cursor, Arg& arg, std::size_t& descriptors) {
  switch (arg.spec.type()) {
    case ArgType::integer:
    case ArgType::unsigned_integer:
    case ArgType::fixed: arg.value = cursor.word(); return;
    case ArgType::object:
      arg.value = cursor.word();
      if (arg.value == 0 && !arg.spec.nullable()) (void)cursor.fault();
      return;
    case ArgType::new_id: return read_new_id(cursor, arg);
    case ArgType::string: return read_string(cursor, arg);
    case ArgType::array:
      arg.value = cursor.word();
      (void)cursor.block(arg.value);
      return;
    case ArgType::descriptor: ++descriptors; return;
  }
}

}  // namespace

Header parse_header(std::string_view bytes) {
  const std::uint32_t second = word_at(bytes, 4);
  return {word_at(bytes, 0), static_cast<std::uint16_t>(second & 0xffffU), static_cast<std::uint16_t>(second >> 16U)};
}

bool is_sane(const Header& header) {
  return header.size >= header_size && header.size % 4 == 0 && header.size <= max_message;
}

bool parse_args(const MessageSpec& spec, std::string_view body, Args& into) {
  Cursor cursor(body);
  into.count = 0;
  into.descriptors = 0;
  for (const std::uint16_t word : spec.args) {
    Arg& arg = into.all[into.count++];
    arg = Arg{.spec = {word}, .text = {}, .interface = {}};
    read_arg(cursor, arg, into.descriptors);
    if (!cursor.good()) return false;
  }
  return cursor.finished();
}

Writer::Writer(std::uint32_t object, std::uint16_t opcode) : opcode_(opcode) {
  append_word(bytes_, object);
  append_word(bytes_, 0);
}

Writer& Writer::number(std::uint32_t value) {
  append_word(bytes_, value);
  return *this;
}

Writer& Writer::string(std::string_view text) {
  append_word(bytes_, static_cast<std::uint32_t>(text.size() + 1));
  bytes_ += text;
  bytes_.append(string_size(text.size()) - 4 - text.size(), '\0');
  return *this;
}

std::string Writer::take() {
  const std::uint32_t second = static_cast<std::uint32_t>(bytes_.size()) << 16U | opcode_;
  std::memcpy(bytes_.data() + 4, &second, sizeof second);
  return std::move(bytes_);
}

}  // namespace xc::mediate::wl
