// The codec against libdbus: whatever we accept, libdbus demarshals to the same message; what we write, it reads as
// what we meant. libdbus is a dependency of this test only.
#include <dbus/dbus.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "mediate/dbus_message.h"
#include "mediate/dbus_syntax.h"

namespace {

using namespace xc::mediate::dbus;

void require(bool good) {
  if (!good) std::abort();
}

bool same(const char* theirs, std::string_view ours) {
  return ours == (theirs == nullptr ? "" : theirs);
}

void compare(std::string_view bytes, const Header& ours) {
  DBusError error;
  dbus_error_init(&error);
  DBusMessage* theirs = dbus_message_demarshal(bytes.data(), static_cast<int>(bytes.size()), &error);
  // libdbus demarshals only messages without descriptors; that they are as many as announced is the flow's to check.
  if (theirs == nullptr && ours.descriptors > 0) {
    dbus_error_free(&error);
    return;
  }
  require(theirs != nullptr);
  require(dbus_message_get_type(theirs) == static_cast<int>(ours.type));
  require(dbus_message_get_serial(theirs) == ours.serial);
  require(dbus_message_get_reply_serial(theirs) == ours.reply_serial);
  require(same(dbus_message_get_path(theirs), ours.path));
  require(same(dbus_message_get_interface(theirs), ours.interface));
  require(same(dbus_message_get_member(theirs), ours.member));
  require(same(dbus_message_get_error_name(theirs), ours.error_name));
  require(same(dbus_message_get_destination(theirs), ours.destination));
  require(same(dbus_message_get_sender(theirs), ours.sender));
  require(same(dbus_message_get_signature(theirs), ours.signature));
  require((dbus_message_get_no_reply(theirs) != 0) == ((ours.flags & no_reply_expected) != 0));
  require((dbus_message_get_auto_start(theirs) == 0) == ((ours.flags & no_auto_start) != 0));
  dbus_message_unref(theirs);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (size < measurable || size > 1024UL * 1024) return 0;
  const auto extent = measure(bytes);
  if (!extent || extent->header + extent->body > size) return 0;
  const auto header = parse_header(bytes.substr(0, extent->header));
  const std::string_view body = bytes.substr(extent->header, extent->body);
  if (!header || !is_body(body, header->signature, header->order)) return 0;
  compare(bytes.substr(0, extent->header + extent->body), *header);
  const std::string written = write_message(*header, body);
  const auto again = parse_header(std::string_view(written).substr(0, written.size() - body.size()));
  require(again.has_value() && !again->unknown_field && again->path == header->path);
  compare(written, *header);
  return 0;
}
