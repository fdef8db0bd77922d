#include "parse/bus_address.h"

#include <optional>

#include "base/escape.h"
#include "base/text.h"
#include "parse/words.h"

namespace xc::parse {
namespace {

std::unexpected<Error> refuse(std::string_view address, std::string_view why) {
  return fail(Kind::usage, "bus address " + text::quoted(address) + ": " + std::string(why));
}

/// One address of a list: nothing when it is of another transport.
Result<std::optional<std::string>> parse_one(std::string_view whole, std::string_view address) {
  const auto colon = address.find(':');
  if (colon == std::string_view::npos)
    return refuse(whole, "expected one such as unix:path=/run/dbus/system_bus_socket");
  if (address.substr(0, colon) != "unix") return std::optional<std::string>{};
  for (const std::string_view pair : text::split(address.substr(colon + 1), ',')) {
    const std::string_view key = pair.substr(0, pair.find('='));
    if (key.size() == pair.size()) return refuse(whole, "expected key=value pairs behind \"unix:\"");
    if (key != "path" && key != "abstract") continue;
    // What may stand unescaped is not narrowed, as libdbus and GDBus do not.
    const auto value = text::unescaped(pair.substr(key.size() + 1));
    if (!value || !is_plain(*value)) return refuse(whole, "a socket's name that is empty, odd or badly escaped");
    if (key == "path" && value->front() != '/') return refuse(whole, "expected an absolute path");
    return std::optional<std::string>(key == "path" ? *value : "@" + *value);
  }
  return std::optional<std::string>{};
}

}  // namespace

Result<std::string> parse_bus_address(std::string_view address) {
  for (const std::string_view one : text::split(address, ';'))
    if (auto socket = XC_TRY(parse_one(address, one))) return *std::move(socket);
  return refuse(address, "no UNIX socket; other transports are not supported");
}

}  // namespace xc::parse
