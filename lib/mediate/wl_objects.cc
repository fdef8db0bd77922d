// Objects of one Wayland connection; see the header. Pure; runs in the worker.
#include "mediate/wl_objects.h"

namespace xc::mediate::wl {
namespace {

Objects::Outcome put(std::vector<Object>& side, std::uint32_t index, const Object& object, bool again) {
  if (index >= Objects::most) return Objects::Outcome::too_many;
  if (index > side.size()) return Objects::Outcome::not_next;
  if (index == side.size()) {
    side.push_back(object);
    return Objects::Outcome::added;
  }
  if (side[index].interface != any_interface && !again) return Objects::Outcome::taken;
  side[index] = object;
  return Objects::Outcome::added;
}

}  // namespace

Objects::Objects() {
  client_.push_back({});  // 0 is null
  client_.push_back({.interface = *find_interface("wl_display")});
}

Object* Objects::find(std::uint32_t id) {
  auto& side = id < first_of_server ? client_ : server_;
  const std::uint32_t index = id < first_of_server ? id : id - first_of_server;
  if (index >= side.size() || side[index].interface == any_interface) return nullptr;
  return &side[index];
}

Objects::Outcome Objects::add_client(std::uint32_t id, InterfaceId interface, std::uint32_t version) {
  if (id == 0 || id >= first_of_server) return Outcome::not_next;
  return put(client_, id, {.interface = interface, .version = static_cast<std::uint8_t>(version)}, false);
}

Objects::Outcome Objects::add_server(std::uint32_t id, InterfaceId interface, std::uint32_t version) {
  if (id < first_of_server) return Outcome::not_next;
  return put(server_, id - first_of_server, {.interface = interface, .version = static_cast<std::uint8_t>(version)},
             true);
}

bool Objects::free_client(std::uint32_t id) {
  if (id <= 1 || id >= first_of_server || find(id) == nullptr) return false;
  client_[id] = {};
  return true;
}

}  // namespace xc::mediate::wl
