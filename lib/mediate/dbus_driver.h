// Calls to the bus itself (org.freedesktop.DBus), as they look to somebody for whom only the visible names exist.
// Pure; runs in the worker. Must never pass on a method that is not in its table.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mediate/dbus_flow.h"
#include "mediate/dbus_match.h"
#include "mediate/dbus_names.h"
#include "mediate/dbus_policy.h"
#include "mediate/dbus_serials.h"

namespace xc::mediate::dbus {

/// What becomes of a call to the bus.
struct Ruling {
  enum class Act {
    pass,    ///< it goes to the bus; its reply is treated as `expect` says
    answer,  ///< answered here with `signature` and `body`
    refuse,  ///< answered here with the error `name` and `text`
  };
  Act act = Act::pass;
  Expect expect = Expect::reply;
  bool ordered = true;                ///< the bus answers before it reads on
  std::optional<std::string> body{};  ///< pass: takes the place of the call's own (in its byte order)
  std::string signature{};
  std::string_view name{};
  std::string text{};  ///< refuse: for people; pass: Call::note
};

/// Rules on a call to the bus whose whole body is at hand and sound. Adds to and removes from `matches`, when it is
/// passed. `call.interface` is set.
[[nodiscard]] Ruling rule_on_bus_call(const Message& call, const Policy& policy, const Names& names,
                                      MatchRules& matches);

/// The body of a ListNames reply without the names that are not visible, in `order`; empty optional when it is none.
[[nodiscard]] std::optional<std::string> filter_names(const Message& reply, const Names& names);

/// The body of a reply that is a dictionary of variants and sound, without those that hold a descriptor; empty optional
/// when it is none.
[[nodiscard]] std::optional<std::string> without_descriptors(const Message& reply);

}  // namespace xc::mediate::dbus
