// The objects of one Wayland connection, both sides' ids. What an id is decides how its messages are read, so this is
// the memory of the mediator. Pure; runs in the worker. Must never give an id two meanings at once.
//
// Ids below 0xff000000 are the client's, the others the compositor's. An object that a destructor ended keeps its
// meaning until the id is given back (wl_display.delete_id) or, for the compositor's own ids, used again: events may be
// on their way.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mediate/wl_tables.h"

namespace xc::mediate::wl {

struct Object {
  InterfaceId interface = any_interface;
  std::uint8_t version = 1;
  bool alive = true;  ///< false: a destructor was sent, events may still come
};

class Objects {
 public:
  /// Per side; more are refused. A client with a quarter of a million objects is a client that leaks.
  static constexpr std::uint32_t most = 1U << 18;
  static constexpr std::uint32_t first_of_server = 0xff000000U;

  /// With wl_display, object 1.
  Objects();

  /// The object of that id, alive or not; null when the id has no meaning.
  [[nodiscard]] Object* find(std::uint32_t id);

  enum class Outcome : std::uint8_t { added, taken, not_next, too_many };
  /// A new object of the client's: its id must be free, and not leave a gap.
  [[nodiscard]] Outcome add_client(std::uint32_t id, InterfaceId interface, std::uint32_t version);
  /// A new object of the compositor's, which may use its ids again without a word.
  [[nodiscard]] Outcome add_server(std::uint32_t id, InterfaceId interface, std::uint32_t version);
  /// The compositor gives a client's id back. False when it had no meaning.
  bool free_client(std::uint32_t id);

 private:
  std::vector<Object> client_;
  std::vector<Object> server_;
};

}  // namespace xc::mediate::wl
