// D-Bus message headers; see the header. Pure, runs in the worker.
#include "mediate/dbus_message.h"

#include <array>

#include "base/text.h"
#include "mediate/dbus_syntax.h"

namespace xc::mediate::dbus {
namespace {

enum Field : std::uint8_t {
  path = 1,
  interface,
  member,
  error_name,
  reply_serial,
  destination,
  sender,
  signature,
  descriptors,
  container_instance,  // libdbus knows it; only a bus may write it, and nobody behind us needs it
  field_count
};

/// Type of each field's value, by code.
constexpr std::array<std::string_view, field_count> field_types = {"",  "o", "s", "s", "s", "u",
                                                                   "s", "s", "g", "u", "o"};

constexpr std::string_view local_path = "/org/freedesktop/DBus/Local";
constexpr std::string_view local_interface = "org.freedesktop.DBus.Local";

std::unexpected<Error> malformed(std::string what) {
  return fail(Kind::policy, "D-Bus message: " + std::move(what));
}

std::unexpected<Error> malformed(std::uint8_t field, std::string_view what) {
  return malformed("header field " + text::number(unsigned{field}) + " " + std::string(what));
}

/// Reads the value of a known field. False when it is not what the field may hold.
bool read_field(Reader& reader, std::uint8_t code, Header& header) {
  switch (code) {
    case path: header.path = reader.path(); return header.path != local_path;
    case interface:
      header.interface = reader.string();
      return is_interface(header.interface) && header.interface != local_interface;
    case member: header.member = reader.string(); return is_member(header.member);
    case error_name: header.error_name = reader.string(); return is_interface(header.error_name);
    case reply_serial: header.reply_serial = reader.uint32(); return header.reply_serial != 0;
    case destination: header.destination = reader.string(); return is_bus_name(header.destination);
    case sender: header.sender = reader.string(); return is_bus_name(header.sender);
    case signature: header.signature = reader.signature(); return true;
    case descriptors: header.descriptors = reader.uint32(); return true;
    case container_instance: header.unknown_field = true; return !reader.path().empty();
    default: return false;
  }
}

Result<> read_fields(Reader& reader, std::size_t end, Header& header) {
  std::uint32_t seen = 0;
  while (reader.ok() && reader.position() < end) {
    reader.align(8);
    const std::uint8_t code = reader.byte();
    const std::string_view type = reader.signature();
    if (!reader.ok() || code == 0 || type.empty() || type_length(type) != type.size())
      return malformed("a header field has no code or not one type");
    if (code >= field_count) {
      reader.skip(type);
      header.unknown_field = true;
      continue;
    }
    if ((seen >> code & 1U) != 0) return malformed(code, "appears twice");
    seen |= 1U << code;
    if (type != field_types[code]) return malformed(code, "has the wrong type");
    if (!read_field(reader, code, header) || !reader.ok()) return malformed(code, "has a value that is not allowed");
  }
  if (!reader.ok() || reader.position() != end) return malformed("the header fields do not fill their array");
  return {};
}

Result<> check_required(const Header& header) {
  bool enough = true;
  switch (header.type) {
    case MessageType::call: enough = !header.path.empty() && !header.member.empty(); break;
    case MessageType::signal:
      enough = !header.path.empty() && !header.interface.empty() && !header.member.empty();
      break;
    case MessageType::error: enough = !header.error_name.empty() && header.reply_serial != 0; break;
    case MessageType::reply: enough = header.reply_serial != 0; break;
  }
  if (!enough) return malformed("a header field that its type needs is missing");
  if (header.signature.empty() != (header.body_size == 0))
    return malformed("a body needs a signature and a signature a body");
  return {};
}

class FieldWriter {
 public:
  explicit FieldWriter(Writer& writer) : writer_(writer) {}
  void text(Field code, std::string_view value) {
    if (value.empty()) return;
    start(code);
    if (code == signature) {
      writer_.signature(value);
    } else {
      writer_.string(value);
    }
  }
  void number(Field code, std::uint32_t value) {
    if (value == 0) return;
    start(code);
    writer_.uint32(value);
  }

 private:
  void start(Field code) {
    writer_.align(8);
    writer_.byte(code);
    writer_.signature(field_types[code]);
  }
  Writer& writer_;
};

}  // namespace

Result<Extent> measure(std::string_view bytes) {
  const char order = bytes[0];
  if (order != 'l' && order != 'B') return malformed("it does not begin with a byte order");
  if (bytes[1] == 0) return malformed("type 0");
  if (bytes[3] != 1) return malformed("protocol version is not 1");
  Reader reader(bytes.substr(0, measurable), Order{order});
  (void)reader.uint32();
  const std::uint32_t body = reader.uint32();
  (void)reader.uint32();
  const std::uint32_t fields = reader.uint32();
  if (fields > max_header - measurable - 8)
    return malformed("header of " + text::number(fields) + " bytes, at most " + text::number(max_header));
  const std::size_t header = (measurable + fields + 7) / 8 * 8;
  if (body > max_message - header)
    return malformed("body of " + text::number(body) + " bytes, at most 128 MiB in a message");
  return Extent{header, body};
}

Result<Header> parse_header(std::string_view bytes) {
  const Extent extent = XC_TRY(measure(bytes));
  if (extent.header != bytes.size()) return fail(Kind::internal, "D-Bus header handed over incomplete");
  Header header;
  header.order = Order{bytes[0]};
  header.type = MessageType{static_cast<std::uint8_t>(bytes[1])};
  header.flags = static_cast<std::uint8_t>(bytes[2]) & known_flags;
  header.body_size = extent.body;
  Reader reader(bytes, header.order);
  (void)reader.uint32();
  (void)reader.uint32();
  header.serial = reader.uint32();
  if (header.serial == 0) return malformed("serial 0");
  const std::uint32_t fields = reader.array(8);
  XC_CHECK(read_fields(reader, measurable + fields, header));
  reader.align(8);
  if (!reader.complete()) return malformed("padding after the header is not zero");
  XC_CHECK(check_required(header));
  return header;
}

std::string write_header(const Header& header) {
  Writer writer(header.order);
  writer.byte(static_cast<std::uint8_t>(header.order));
  writer.byte(static_cast<std::uint8_t>(header.type));
  writer.byte(header.flags);
  writer.byte(1);
  writer.uint32(header.body_size);
  writer.uint32(header.serial);
  writer.uint32(0);
  FieldWriter fields(writer);
  fields.text(path, header.path);
  fields.text(interface, header.interface);
  fields.text(member, header.member);
  fields.text(error_name, header.error_name);
  fields.number(reply_serial, header.reply_serial);
  fields.text(destination, header.destination);
  fields.text(sender, header.sender);
  fields.text(signature, header.signature);
  fields.number(descriptors, header.descriptors);
  writer.patch(12, static_cast<std::uint32_t>(writer.size() - measurable));
  writer.align(8);
  return writer.take();
}

std::string write_message(Header header, std::string_view body) {
  header.body_size = static_cast<std::uint32_t>(body.size());
  std::string bytes = write_header(header);
  bytes += body;
  return bytes;
}

std::string write_error(const Header& call, std::uint32_t serial, std::string_view name, std::string_view text,
                        bool from_bus) {
  Header error;
  error.type = MessageType::error;
  error.flags = no_reply_expected;
  error.serial = serial;
  error.reply_serial = call.serial;
  error.error_name = name;
  error.destination = call.sender;
  error.signature = "s";
  if (from_bus) error.sender = bus_name;
  return write_message(error, string_body(error.order, text));
}

std::string string_body(Order order, std::string_view text) {
  Writer writer(order);
  writer.string(text);
  return writer.take();
}

}  // namespace xc::mediate::dbus
