// Where a link may appear in a container (spec 3, R19): form of a path, permitted places, conflicts. Pure.
// It judges strings only; what a path leads to is found out when it is planted, by sys/rooted_dir.
//
// Every function refuses with one sentence that starts with what was found; the caller puts the manifest's name and
// the position in front. Kind::manifest: the document is wrong, whatever the host is like. Kind::plant: not possible
// here and now.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/link.h"
#include "model/service.h"

namespace xc::plan {

/// A path has one spelling: absolute, no empty, "." or ".." component, no "/" at the end, UTF-8 without control
/// characters, at most 4095 bytes and 255 in a component (limits.h). `what` names it in the sentence ("target").
[[nodiscard]] Result<> check_canonical(std::string_view what, std::string_view path);

/// A canonical path where something of ours may be put: below one of the places sockets and devices live in, by
/// component. Everything else is refused, most of all what other programs read as configuration or code.
/// `home` is the container's HOME, empty when it is not known.
[[nodiscard]] Result<> check_place(std::string_view path, std::string_view home);

/// The same for a service of this type: devices appear below the device directories, sockets do not.
[[nodiscard]] Result<> check_place_for(model::Type type, std::string_view path);

/// A character device that host policy names may appear anywhere below /dev, but where other file systems belong.
[[nodiscard]] Result<> check_device_target(std::string_view path);

/// "@name": 1 to 107 bytes of UTF-8 without control characters behind the "@". `what` as above.
[[nodiscard]] Result<> check_abstract_name(std::string_view what, std::string_view address);

/// "tcp:127.0.0.1:PORT"; `what` as above.
[[nodiscard]] Result<> check_tcp(std::string_view what, std::string_view address);

/// The path of "connect:/path": canonical, at most 107 bytes.
[[nodiscard]] Result<> check_redirected(std::string_view path);

/// "auto", "/path", "@name", "tcp:127.0.0.1:PORT", "fd:NAME" and "connect:/path" can be planted; "shm:..." is known and
/// refused as not supported yet (Kind::plant); anything else must be a path in canonical form and a permitted place.
[[nodiscard]] Result<> check_target(std::string_view target, std::string_view home);

/// The type that a target lets one expect of a service nobody has declared: devices live below device directories.
[[nodiscard]] std::optional<model::Type> type_by_place(std::string_view target);

/// No two links at one place, and none below another (MAN-23). /var/run counts as /run, which it is on every system
/// that follows the file system hierarchy standard 3.0.
[[nodiscard]] Result<> check_conflicts(const std::vector<model::Link>& links);

}  // namespace xc::plan
