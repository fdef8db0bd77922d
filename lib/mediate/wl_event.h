// What became of a Wayland message, as one line of JSON for whoever listens (mediate/observer.h). Pure; runs in the
// worker.
#pragma once

#include <string>

#include "mediate/mediator.h"
#include "mediate/wl_session.h"

namespace xc::mediate::wl {

/// Says which message of which object it was and whether it was passed, changed, dropped or refused; never what it
/// carried. `object` is null when there is none of that id (any more).
[[nodiscard]] std::string describe_event(const Terms& terms, bool request, const Header& header, const Object* object,
                                         const Verdict& verdict);

}  // namespace xc::mediate::wl
