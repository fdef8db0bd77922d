// What became of a Wayland message, as one line of JSON for whoever listens (mediate/observer.h). Pure; runs in the
// worker.
#pragma once

#include <string>

#include "mediate/mediator.h"
#include "mediate/wl_session.h"

namespace xc::mediate::wl {

/// A message, and whose it is.
struct Seen {
  bool request;  ///< of the client; otherwise an event
  Header header;
  std::string_view body;
  const Object* object;  ///< null when there is none of that id (any more)
};

/// Says which message of which object it was, with numbers and objects as WAYLAND_DEBUG shows them, and whether it was
/// passed, changed, dropped or refused. Of texts it tells the length; what they say only to an observer who wants that.
[[nodiscard]] std::string describe_event(const Terms& terms, const Seen& seen, const Verdict& verdict);

}  // namespace xc::mediate::wl
