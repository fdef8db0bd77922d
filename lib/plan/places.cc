// Judgement of target paths; pure. See places.h.
#include "plan/places.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "model/address.h"
#include "plan/rules.h"

namespace xc::plan {
namespace {

using text::quoted;

constexpr std::size_t path_limit = 4095;      // PATH_MAX less the NUL
constexpr std::size_t component_limit = 255;  // NAME_MAX
constexpr std::size_t depth_limit = 64;       // each missing one is made, and undone, under the deadline of the hook
constexpr std::size_t abstract_limit = 107;   // sun_path less the leading zero byte (unix(7))

// Directories that are made for run-time sockets, are a fresh tmpfs in most containers, and that no program takes
// configuration or code from. /var/tmp, /var/lib, /srv, /opt and the rest of /home are the image's own data: a stub
// left there would outlive the container. /dev/shm and /dev/xconnect are writable even below a read-only root.
constexpr std::array<std::string_view, 7> places{"/run",          "/var/run", "/tmp",      "/dev/shm",
                                                 "/dev/xconnect", "/dev/dri", "/dev/input"};
constexpr std::string_view places_sentence =
    "choose one below /run, /var/run, /tmp, /dev/shm, /dev/xconnect or $HOME/.local/run, or for a device below "
    "/dev/dri or /dev/input";

struct Strategy {
  std::string_view prefix;
  std::string_view name;
};
constexpr std::array<Strategy, 1> later{{{"shm:", "shared memory"}}};

/// `path` lies below `directory`, which may be compared as text because both are canonical: never "/runner" in "/run".
bool below(std::string_view path, std::string_view directory) {
  return path.size() > directory.size() && path.starts_with(directory) && path[directory.size()] == '/';
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

/// $HOME/.local/run; without knowing HOME, which LXC does not tell, that of root and of the users in /home.
/// HOME comes from the image and opens no place that R19 closes: HOME=/etc stays refused.
bool below_home_run(std::string_view path, std::string_view home) {
  constexpr std::array<std::string_view, 5> never{"/proc", "/sys", "/dev", "/etc", "/usr"};
  if (std::ranges::any_of(never, [&](std::string_view closed) { return below(path, closed); })) return false;
  const auto end = path.find("/.local/run/");
  if (end == std::string_view::npos) return false;
  const std::string_view owner = path.substr(0, end);
  if (owner == "/root" || (!home.empty() && owner == (home == "/" ? "" : home))) return true;
  return below(owner, "/home") && owner.find('/', std::string_view("/home/").size()) == std::string_view::npos;
}

/// The spelling that conflicts are found by.
std::string real_place(std::string_view target) {
  if (const auto rendezvous = model::rendezvous_of(target)) return *rendezvous;
  if (const auto path = model::redirected_path(target)) target = *path;
  return std::string(below(target, "/var/run") ? target.substr(4) : target);
}

/// Nothing is planted there that a second link could meet, so the second would never be reached.
bool share_redirection(const model::Link& one, const model::Link& other) {
  return std::ranges::any_of(one.places, [&](const std::string& place) {
    return model::redirected_path(place) && std::ranges::find(other.places, place) != other.places.end();
  });
}

}  // namespace

Result<> check_canonical(std::string_view what, std::string_view path) {
  const auto refuse = [&](std::string_view why) {
    return fail(Kind::manifest, std::string(what) + " " + quoted(path) + " " + std::string(why));
  };
  if (path.empty()) return refuse("is empty");
  if (path.front() != '/') return refuse("is not absolute: it must begin with \"/\"");
  if (path.size() > path_limit) return refuse("is longer than 4095 bytes");
  if (std::ranges::any_of(path, is_control)) return refuse("contains a control character");
  if (!text::is_utf8(path)) return refuse("is not UTF-8");
  if (path == "/") return refuse("is the root directory itself");
  if (path.back() == '/') return refuse("ends in \"/\": it must name a file, not a directory");
  const auto components = text::split(path.substr(1), '/');
  if (components.size() > depth_limit) return refuse("has more than 64 components");
  for (const std::string_view component : components) {
    if (component.empty()) return refuse("has an empty component: write a single \"/\"");
    if (component == ".") return refuse("has a \".\" component: leave it out");
    if (component == "..") return refuse("has a \"..\" component: write the path it leads to");
    if (component.size() > component_limit) return refuse("has a component longer than 255 bytes");
  }
  return {};
}

Result<> check_place(std::string_view path, std::string_view home) {
  for (const std::string_view place : places) {
    if (path == place) return fail(Kind::manifest, "target " + quoted(path) + " is a directory: add a file name");
    if (below(path, place)) return {};
  }
  if (below_home_run(path, home)) return {};
  return fail(Kind::manifest,
              "target " + quoted(path) + " is not in a place for sockets or devices: " + std::string(places_sentence));
}

Result<> check_device_target(std::string_view path) {
  constexpr std::array<std::string_view, 4> others{"/dev/pts", "/dev/mqueue", "/dev/fd", "/dev/hugepages"};
  XC_CHECK(check_canonical("target", path));
  if (below(path, "/dev") &&
      !std::ranges::any_of(others, [&](auto other) { return path == other || below(path, other); }))
    return {};
  return fail(Kind::manifest, "target " + quoted(path) + " is for a device, and must lie below /dev");
}

Result<> check_place_for(model::Type type, std::string_view path) {
  const bool device_type = model::is_device(type);
  const bool device_place = type_by_place(path).has_value();
  if (device_type && !path.starts_with('/'))
    return fail(Kind::manifest, "target " + quoted(path) + " is a socket's name, and the service is a device");
  if (path.starts_with("tcp:") && type != model::Type::rest && type != model::Type::raw_unix)
    return fail(Kind::manifest, "target " + quoted(path) + " carries bytes and no descriptors, which " +
                                    std::string(name_of(type)) + " needs; use a path");
  if (device_type == device_place) return {};
  return fail(Kind::manifest, "target " + quoted(path) + " is for a " + (device_type ? "device" : "socket") +
                                  ", and must " + (device_type ? "" : "not ") + "lie below /dev/dri or /dev/input");
}

Result<> check_abstract_name(std::string_view what, std::string_view address) {
  const auto refuse = [&](std::string_view why) {
    return fail(Kind::manifest, std::string(what) + " " + quoted(address) + " " + std::string(why));
  };
  if (address.size() < 2) return refuse("has no name behind the \"@\"");
  if (address.size() > 1 + abstract_limit) return refuse("is longer than the 107 bytes an abstract name may have");
  if (std::ranges::any_of(address, is_control)) return refuse("contains a control character");
  if (!text::is_utf8(address)) return refuse("is not UTF-8");
  return {};
}

Result<> check_tcp(std::string_view what, std::string_view address) {
  if (model::port_of(address)) return {};
  return fail(Kind::manifest, std::string(what) + " " + quoted(address) +
                                  " is not on the loopback: expected \"tcp:127.0.0.1:PORT\" with a port of 1 to 65535");
}

/// Nothing is put there, so any path will do that a client can connect to by its name.
Result<> check_redirected(std::string_view path) {
  XC_CHECK(check_canonical("target \"connect:...\":", path));
  if (path.size() <= connectable_limit) return {};
  return fail(Kind::manifest,
              "target \"connect:...\": " + quoted(path) + " is longer than the 107 bytes that connect(2) takes");
}

Result<> check_target(std::string_view target, std::string_view home) {
  if (target == "auto") return {};
  if (target.starts_with("tcp:")) return check_tcp("target", target);
  if (target.starts_with("fd:")) {
    if (text::is_name(target.substr(3))) return {};
    return fail(Kind::manifest,
                "target " + quoted(target) + " has no name of 1 to 64 of A-Z a-z 0-9 _ . - behind \"fd:\"");
  }
  if (target.starts_with('@')) return check_abstract_name("target", target);
  if (const auto path = model::redirected_path(target)) return check_redirected(*path);
  for (const Strategy& strategy : later)
    if (target.starts_with(strategy.prefix))
      return fail(Kind::plant,
                  "target " + quoted(target) + " is not supported yet: " + std::string(strategy.name) + "; use a path");
  XC_CHECK(check_canonical("target", target));
  return check_place(target, home);
}

std::optional<model::Type> type_by_place(std::string_view target) {
  if (below(target, "/dev/dri")) return model::Type::drm;
  if (below(target, "/dev/input")) return model::Type::input;
  return std::nullopt;
}

Result<> check_conflicts(const std::vector<model::Link>& links) {
  for (auto one = links.begin(); one != links.end(); ++one) {
    for (auto other = links.begin(); other != one; ++other) {
      const std::string a = real_place(other->target);
      const std::string b = real_place(one->target);
      const std::string services = quoted(other->service) + " and " + quoted(one->service);
      if (a == b || share_redirection(*one, *other))
        return fail(Kind::manifest, "services " + services + " have the same target " +
                                        quoted(a == b ? one->target : "connect:...") +
                                        ": give each a place of its own");
      if (below(a, b) || below(b, a))
        return fail(Kind::manifest, "targets " + quoted(other->target) + " and " + quoted(one->target) +
                                        " of services " + services + " lie one below the other");
    }
  }
  return {};
}

}  // namespace xc::plan
