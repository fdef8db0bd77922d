// What the conversations of the dbus_*_test.cc share: one set of rules, the services of the scripted bus, the fixture.
#pragma once

#include "dbus_fixture.h"

namespace xc::mediate::dbus {

using Lines = std::vector<std::string>;

inline const model::DbusRules default_rules = {
    .see = {"org.pv.Seen"},
    .talk = {"org.pv.Allowed", "org.pv.Shared.Open", "org.pv.Late", "org.pv.Moving"},
    .own = {"org.pv.Mine.*"},
    .call = {"org.pv.Partial=org.pv.Iface.*@/org/pv/obj/*", "org.pv.Partial=org.pv.One.Get@/org/pv/one"},
    .broadcast = {"org.pv.Partial=org.pv.Iface.Ok@/org/pv/obj/*"},
};

inline const std::vector<std::pair<std::string_view, std::string_view>> services = {
    {"org.pv.Allowed", ":1.1"}, {"org.pv.Partial", ":1.2"},     {"org.pv.Seen", ":1.3"},
    {"org.pv.Hidden", ":1.4"},  {"org.pv.Shared.Open", ":1.5"}, {"org.pv.Shared.Closed", ":1.5"},
};

inline constexpr std::string_view unknown = "error org.freedesktop.DBus.Error.ServiceUnknown -> 5";
inline constexpr std::string_view denied = "error org.freedesktop.DBus.Error.AccessDenied -> 5";

inline Header from(std::string_view sender, Header header) {
  header.sender = sender;
  return header;
}

inline Header with_strings(Header header, std::string_view signature) {
  header.signature = signature;
  return header;
}

class Dbus : public testing::TestWithParam<bool> {
 protected:
  Dbus() { link.open(services); }
  Link link{default_rules, GetParam()};
};

}  // namespace xc::mediate::dbus
