// The few messages of the core protocol that mean something to a mediator, found in the table by name. Pure.
#pragma once

#include "mediate/wl_tables.h"

namespace xc::mediate::wl {

inline constexpr std::uint32_t display_object = 1;

struct Core {
  InterfaceId display;
  InterfaceId registry;
  InterfaceId shm;
  std::uint16_t error;          ///< event of the display
  std::uint16_t delete_id;      ///< event of the display
  std::uint16_t bind;           ///< request of the registry
  std::uint16_t create_pool;    ///< request of wl_shm
  std::uint16_t global;         ///< event of the registry
  std::uint16_t global_remove;  ///< event of the registry
};

/// The build refuses a table without them.
[[nodiscard]] const Core& core();

}  // namespace xc::mediate::wl
