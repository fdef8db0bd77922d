// What a lessor asks of a DRM card: leases of one connector each (drm_mode.h, "DRM_IOCTL_MODE_CREATE_LEASE"). Runs in
// the monitor, on a card that it opened itself; nothing a lessee says comes here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "sys/staged_node.h"

namespace xc::sys {

/// The card below the host's /dev, proven to bear the number: its name may have gone to another one.
[[nodiscard]] Result<Fd> open_card(const std::string& name, DeviceNumber number);

/// Makes the open card master of its screens. EBUSY when somebody else is.
[[nodiscard]] Result<> become_master(const Fd& card);

/// One screen of a card, for somebody else.
struct Lease {
  Fd fd;                  ///< a DRM descriptor that shows the leased objects alone
  std::uint32_t id = 0;   ///< to revoke it
  std::string connector;  ///< "HDMI-A-1"
};

/// Leases the connector with a controller and a primary plane for it; `connector` empty: the first that is free, of
/// those with a screen attached before the others. The card must be master. EBUSY when there is nothing free.
[[nodiscard]] Result<Lease> lease_connector(const Fd& card, std::string_view connector);

/// Ends a lease: whoever has its descriptor sees no screen any more. Of one that ended already nothing happens.
void revoke_lease(const Fd& card, std::uint32_t id);

/// The name of a connector, as sysfs and programs write it. Pure.
[[nodiscard]] std::string connector_name(std::uint32_t type, std::uint32_t number);

}  // namespace xc::sys
