// See drm.h.
#include "sys/drm.h"

#include <fcntl.h>
#include <libdrm/drm.h>
#include <libdrm/drm_mode.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "base/text.h"

namespace xc::sys {
namespace {

constexpr std::uint32_t most_objects = 256;
constexpr std::uint32_t connected = 1;
constexpr std::uint32_t primary_plane = 1;  // DRM_PLANE_TYPE_PRIMARY, the value of a plane's property "type"
constexpr std::uint32_t plane_object = 0xeeeeeeee;

std::uint64_t address(const void* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer);
}

/// drmIoctl(3) does the same: these calls are to be repeated.
int ask(const Fd& card, unsigned long request, void* argument) {
  int answer = 0;
  do {
    answer = ::ioctl(card.get(), request, argument);
  } while (answer < 0 && (errno == EINTR || errno == EAGAIN));
  return answer;
}

using Ids = std::vector<std::uint32_t>;

struct Screens {
  Ids connectors;
  Ids crtcs;  ///< their order gives the bits of possible_crtcs
  Ids planes;
};

Result<Screens> find_screens(const Fd& card) {
  Screens screens{Ids(most_objects), Ids(most_objects), Ids(most_objects)};
  drm_mode_card_res all{};
  all.connector_id_ptr = address(screens.connectors.data());
  all.crtc_id_ptr = address(screens.crtcs.data());
  all.count_connectors = all.count_crtcs = most_objects;
  if (ask(card, DRM_IOCTL_MODE_GETRESOURCES, &all) != 0) return fail_errno(Kind::kernel, "screens of the card", errno);
  drm_mode_get_plane_res planes{};
  planes.plane_id_ptr = address(screens.planes.data());
  planes.count_planes = most_objects;
  if (ask(card, DRM_IOCTL_MODE_GETPLANERESOURCES, &planes) != 0)
    return fail_errno(Kind::kernel, "planes of the card", errno);
  screens.connectors.resize(std::min(all.count_connectors, most_objects));
  screens.crtcs.resize(std::min(all.count_crtcs, most_objects));
  screens.planes.resize(std::min(planes.count_planes, most_objects));
  return screens;
}

struct Connector {
  std::uint32_t id = 0;
  std::string name;
  bool attached = false;
  std::uint32_t possible_crtcs = 0;
};

Result<Connector> look_at_connector(const Fd& card, std::uint32_t id) {
  Ids encoders(most_objects);
  drm_mode_modeinfo mode{};
  drm_mode_get_connector facts{};
  facts.connector_id = id;
  facts.encoders_ptr = address(encoders.data());
  facts.count_encoders = most_objects;
  facts.modes_ptr = address(&mode);
  facts.count_modes = 1;  // none would make the kernel probe the screen anew
  if (ask(card, DRM_IOCTL_MODE_GETCONNECTOR, &facts) != 0) return fail_errno(Kind::kernel, "a connector", errno);
  Connector connector{id, connector_name(facts.connector_type, facts.connector_type_id), facts.connection == connected};
  encoders.resize(std::min(facts.count_encoders, most_objects));
  for (const auto encoder : encoders) {
    drm_mode_get_encoder one{};
    one.encoder_id = encoder;
    if (ask(card, DRM_IOCTL_MODE_GETENCODER, &one) == 0) connector.possible_crtcs |= one.possible_crtcs;
  }
  return connector;
}

bool is_primary(const Fd& card, std::uint32_t plane) {
  Ids names(most_objects);
  std::vector<std::uint64_t> values(most_objects);
  drm_mode_obj_get_properties all{};
  all.obj_id = plane;
  all.obj_type = plane_object;
  all.props_ptr = address(names.data());
  all.prop_values_ptr = address(values.data());
  all.count_props = most_objects;
  if (ask(card, DRM_IOCTL_MODE_OBJ_GETPROPERTIES, &all) != 0) return false;
  for (std::uint32_t i = 0; i < std::min(all.count_props, most_objects); ++i) {
    drm_mode_get_property one{};
    one.prop_id = names[i];
    if (ask(card, DRM_IOCTL_MODE_GETPROPERTY, &one) != 0) continue;
    if (std::string_view(one.name, ::strnlen(one.name, sizeof one.name)) == "type") return values[i] == primary_plane;
  }
  return false;
}

std::uint32_t primary_for(const Fd& card, const Ids& planes, std::size_t crtc) {
  for (const auto plane : planes) {
    drm_mode_get_plane facts{};
    facts.plane_id = plane;
    if (ask(card, DRM_IOCTL_MODE_GETPLANE, &facts) != 0) continue;
    if ((facts.possible_crtcs >> crtc & 1U) != 0 && is_primary(card, plane)) return plane;
  }
  return 0;
}

/// Nothing when one of the objects is leased to somebody already.
Result<std::optional<Lease>> try_lease(const Fd& card, const Connector& connector,
                                       std::array<std::uint32_t, 3> objects) {
  drm_mode_create_lease wanted{};
  wanted.object_ids = address(objects.data());
  wanted.object_count = objects[2] != 0 ? 3 : 2;
  wanted.flags = O_CLOEXEC;
  if (ask(card, DRM_IOCTL_MODE_CREATE_LEASE, &wanted) != 0) {
    if (errno == EBUSY) return std::optional<Lease>{};
    return fail_errno(Kind::kernel, "leasing the connector " + connector.name, errno);
  }
  return std::optional(Lease{Fd{static_cast<int>(wanted.fd)}, wanted.lessee_id, connector.name});
}

Result<std::optional<Lease>> lease_one(const Fd& card, const Screens& screens, const Connector& connector) {
  for (std::size_t i = 0; i < screens.crtcs.size() && i < 32; ++i) {
    if ((connector.possible_crtcs >> i & 1U) == 0) continue;
    auto lease =
        XC_TRY(try_lease(card, connector, {connector.id, screens.crtcs[i], primary_for(card, screens.planes, i)}));
    if (lease) return lease;
  }
  return std::optional<Lease>{};
}

}  // namespace

Result<Fd> open_card(const std::string& name, DeviceNumber number) {
  const std::string path = "/dev/" + name;
  Fd card{::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  struct stat facts{};
  if (!card || ::fstat(card.get(), &facts) != 0) return fail_errno(Kind::kernel, text::printable(path), errno);
  if (S_ISCHR(facts.st_mode) && facts.st_rdev == ::makedev(number.major, number.minor)) return card;
  return fail(Kind::kernel, text::printable(path) + ": is another device by now");
}

Result<> become_master(const Fd& card) {
  if (ask(card, DRM_IOCTL_SET_MASTER, nullptr) == 0) return {};
  return fail_errno(Kind::kernel, "becoming master of the card", errno);
}

Result<Lease> lease_connector(const Fd& card, std::string_view name) {
  drm_set_client_cap planes{DRM_CLIENT_CAP_UNIVERSAL_PLANES, 1};
  if (ask(card, DRM_IOCTL_SET_CLIENT_CAP, &planes) != 0) return fail_errno(Kind::kernel, "planes of the card", errno);
  const auto screens = XC_TRY(find_screens(card));
  std::vector<Connector> fit;
  for (const auto id : screens.connectors) {
    auto one = XC_TRY(look_at_connector(card, id));
    if (name.empty() || one.name == name) fit.push_back(std::move(one));
  }
  if (fit.empty()) return fail(Kind::plant, "the card has no connector " + text::quoted(name));
  for (const bool attached : {true, false}) {
    for (const Connector& connector : fit) {
      if (connector.attached != attached) continue;
      if (auto lease = XC_TRY(lease_one(card, screens, connector))) return std::move(*lease);
    }
  }
  return fail(Kind::plant,
              name.empty() ? "every connector of the card is leased already" : "the connector is leased already",
              EBUSY);
}

void revoke_lease(const Fd& card, std::uint32_t id) {
  drm_mode_revoke_lease lease{};
  lease.lessee_id = id;
  (void)ask(card, DRM_IOCTL_MODE_REVOKE_LEASE, &lease);
}

std::string connector_name(std::uint32_t type, std::uint32_t number) {
  constexpr std::array<std::string_view, 21> names{
      "Unknown", "VGA",    "DVI-I", "DVI-D", "DVI-A",   "Composite", "SVIDEO", "LVDS",      "Component", "DIN", "DP",
      "HDMI-A",  "HDMI-B", "TV",    "eDP",   "Virtual", "DSI",       "DPI",    "Writeback", "SPI",       "USB"};
  return std::string(type < names.size() ? names[type] : names[0]) + "-" + text::number(number);
}

}  // namespace xc::sys
