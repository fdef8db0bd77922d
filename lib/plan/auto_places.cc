// Proposals for target "auto"; pure. See auto_places.h.
#include "plan/auto_places.h"

#include <algorithm>

#include "base/escape.h"
#include "base/text.h"
#include "grant/effective.h"

namespace xc::plan {
namespace {

using Places = std::vector<std::string>;

/// The first place in a list of D-Bus addresses that a client could be given a socket at.
void add_bus_address(std::string_view addresses, Places& places) {
  for (const std::string_view address : text::split(addresses, ';')) {
    if (!address.starts_with("unix:")) continue;
    for (const std::string_view pair : text::split(address.substr(5), ',')) {
      const bool is_path = pair.starts_with("path=");
      if (!is_path && !pair.starts_with("abstract=")) continue;
      const auto value = text::unescaped(pair.substr(pair.find('=') + 1));
      if (!value) return;
      places.push_back(is_path ? *value : "@" + *value);
      return;
    }
  }
}

std::string in_runtime_directory(const Environment& environment, std::string_view name) {
  const std::string_view directory = value_of(environment, "XDG_RUNTIME_DIR");
  return directory.starts_with('/') ? std::string(directory) + "/" + std::string(name) : "";
}

void add_wayland_display(const Environment& environment, Places& places) {
  std::string_view display = value_of(environment, "WAYLAND_DISPLAY");
  if (display.starts_with('/')) {
    places.emplace_back(display);
    return;
  }
  if (display.empty()) display = "wayland-0";
  if (auto path = in_runtime_directory(environment, display); !path.empty()) places.push_back(std::move(path));
}

void add_bus(std::string_view service, const Environment& environment, Places& places) {
  const bool session = is_session_bus(service);
  add_bus_address(value_of(environment, session ? "DBUS_SESSION_BUS_ADDRESS" : "DBUS_SYSTEM_BUS_ADDRESS"), places);
  if (!session)
    places.emplace_back("/run/dbus/system_bus_socket");
  else if (auto path = in_runtime_directory(environment, "bus"); !path.empty())
    places.push_back(std::move(path));
}

/// The directories every strategy falls back to, in their order.
void add_common(const std::string& name, const Environment& environment, Places& places) {
  for (const std::string_view directory : {"/run/", "/tmp/", "/dev/shm/"})
    places.push_back(std::string(directory) + name);
  const std::string_view home = value_of(environment, "HOME");
  if (home.starts_with('/')) places.push_back((home == "/" ? "" : std::string(home)) + "/.local/run/" + name);
}

}  // namespace

bool is_session_bus(std::string_view service) {
  return service.find("session") != std::string_view::npos;
}

std::string_view value_of(const Environment& environment, std::string_view name) {
  for (const std::string_view entry : environment)
    if (entry.size() > name.size() && entry.starts_with(name) && entry[name.size()] == '=')
      return entry.substr(name.size() + 1);
  return {};
}

std::vector<std::string> auto_places(model::Type type, std::string_view service, const Environment& environment) {
  const std::string own(service);
  Places places;
  switch (type) {
    case model::Type::raw_unix:
    case model::Type::rest:
      places.push_back("/run/pv/services/" + own + ".sock");
      add_common(own + ".sock", environment, places);
      places.push_back("@" + own);
      break;
    case model::Type::dbus:
      add_bus(service, environment, places);
      add_common(is_session_bus(service) ? "bus" : "system_bus_socket", environment, places);
      break;
    case model::Type::wayland:
      add_wayland_display(environment, places);
      add_common("wayland-0", environment, places);
      break;
    case model::Type::drm:
    case model::Type::input:
    case model::Type::chardev:
    case model::Type::vchan:
    case model::Type::count_: break;
  }
  Places once;
  for (std::string& place : places)
    if (std::ranges::find(once, place) == once.end()) once.push_back(std::move(place));
  return once;
}

std::string device_place(const model::Link& link) {
  if (link.device && !link.device->node.name.empty()) return "/dev/" + link.device->node.name;
  if (link.type == model::Type::input) return "/dev/input/event0";
  if (link.type != model::Type::drm) return "/dev/" + link.service;
  return link.role == "render" ? "/dev/dri/renderD128" : "/dev/dri/card0";
}

std::vector<std::string> vchan_places(const model::VchanEnds& ends, const Environment& environment) {
  const std::string name = "/" + grant::vchan_name(ends);
  const std::string_view own = value_of(environment, "VCHAN_SOCKET_DIR");
  if (own.starts_with('/')) return {std::string(own) + name};  // the client looks nowhere else
  return {"/var/run/vchan" + name};
}

}  // namespace xc::plan
