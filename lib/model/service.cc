#include "model/service.h"

#include <array>
#include <utility>

namespace xc::model {
namespace {

constexpr std::array<std::pair<std::string_view, Type>, 8> types{{{"unix", Type::raw_unix},
                                                                  {"rest", Type::rest},
                                                                  {"dbus", Type::dbus},
                                                                  {"wayland", Type::wayland},
                                                                  {"drm", Type::drm},
                                                                  {"input", Type::input},
                                                                  {"char", Type::chardev},
                                                                  {"vchan", Type::vchan}}};

}  // namespace

std::string_view name_of(Type type) {
  for (const auto& [name, value] : types)
    if (value == type) return name;
  return "?";
}

std::optional<Type> type_of(std::string_view name) {
  for (const auto& [known, value] : types)
    if (known == name) return value;
  return std::nullopt;
}

bool is_device(Type type) {
  return type == Type::drm || type == Type::input || type == Type::chardev;
}

std::string_view name_of(SocketKind kind) {
  if (kind == SocketKind::seqpacket) return "seqpacket";
  return kind == SocketKind::datagram ? "dgram" : "stream";
}

std::string_view name_of(BusMessage message) {
  return message == BusMessage::call ? "call" : "signal";
}

std::optional<SocketKind> socket_kind_of(std::string_view name) {
  using enum SocketKind;
  for (const SocketKind kind : {stream, seqpacket, datagram})
    if (name_of(kind) == name) return kind;
  return std::nullopt;
}

std::string_view name_of(Identity identity) {
  switch (identity) {
    case Identity::json_line: return "json-line";
    case Identity::proxy_v2: return "proxy-v2";
    case Identity::credentials: return "credentials";
    case Identity::count_: break;
  }
  return "?";
}

std::string_view name_of(Origin origin) {
  if (origin == Origin::host) return "host";
  return origin == Origin::image ? "image" : "listed-image";
}

}  // namespace xc::model
