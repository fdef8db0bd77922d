// The generated table and questions to it; see the header. Pure; runs in the worker.
#include "mediate/wl_tables.h"

#include <algorithm>
#include <array>

#include "model/wayland.h"

namespace xc::mediate::wl {
namespace {

// Offsets instead of pointers: no relocation, so the pages stay those of the file, shared by all workers.
struct InterfaceRow {
  std::uint16_t name;
  std::uint16_t first_message;
  std::uint8_t requests;
  std::uint8_t events;
  std::uint8_t version;
  std::uint8_t roles;  ///< bits; none = never shown
};
struct MessageRow {
  std::uint16_t name;
  std::uint16_t first_arg;
  std::uint8_t args;
  std::uint8_t since;
  bool destructor;
  std::uint8_t identity;
};

#include "wayland_tables.inc"

static_assert(std::ranges::equal(role_names, model::wayland_roles), "wl_roles.list and model/wayland.h differ");
static_assert(std::size(role_names) <= 8);

std::string_view name_at(std::uint16_t offset) {
  return &names[offset];
}

MessageSpec spec_of(const MessageRow& row) {
  return {&names[row.name], std::span(arg_words).subspan(row.first_arg, row.args), row.since, row.destructor,
          static_cast<Identity>(row.identity)};
}

std::span<const MessageRow> messages_of(InterfaceId interface, Direction direction) {
  const InterfaceRow& row = interface_rows[interface];
  const std::span all(message_rows);
  if (direction == Direction::request) return all.subspan(row.first_message, row.requests);
  return all.subspan(std::size_t{row.first_message} + row.requests, row.events);
}

}  // namespace

std::optional<InterfaceId> find_interface(std::string_view name) {
  const std::span rows(interface_rows);  // sorted by name
  const auto at = std::ranges::lower_bound(rows, name, {}, [](const InterfaceRow& row) { return name_at(row.name); });
  if (at == rows.end() || name_at(at->name) != name) return std::nullopt;
  return static_cast<InterfaceId>(at - rows.begin());
}

std::string_view name_of(InterfaceId interface) {
  return name_at(interface_rows[interface].name);
}

std::uint32_t version_of(InterfaceId interface) {
  return interface_rows[interface].version;
}

std::optional<MessageSpec> find_message(InterfaceId interface, Direction direction, std::uint16_t opcode) {
  const auto messages = messages_of(interface, direction);
  if (opcode >= messages.size()) return std::nullopt;
  return spec_of(messages[opcode]);
}

std::optional<Named> find_message(InterfaceId interface, Direction direction, std::string_view name) {
  const auto messages = messages_of(interface, direction);
  for (std::size_t i = 0; i < messages.size(); ++i)
    if (name_at(messages[i].name) == name) return Named{static_cast<std::uint16_t>(i), spec_of(messages[i])};
  return std::nullopt;
}

bool role_shows(std::string_view role, InterfaceId interface) {
  const auto at = std::ranges::find(role_names, role);
  if (at == std::end(role_names)) return false;
  return (interface_rows[interface].roles >> static_cast<unsigned>(at - std::begin(role_names)) & 1U) != 0;
}

bool is_never_shown(InterfaceId interface) {
  return interface_rows[interface].roles == 0;
}

}  // namespace xc::mediate::wl
