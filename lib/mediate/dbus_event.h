// What became of a message, as one line of JSON for whoever listens (mediate/observer.h). Pure; runs in the worker.
#pragma once

#include <string>

#include "mediate/dbus_session.h"

namespace xc::mediate::dbus {

/// `outbound`: from the client. Says what the message was, between whom, and whether it was passed, refused (answered
/// here) or dropped, and by which rule; what it carried only to an observer who wants that.
[[nodiscard]] std::string describe_event(const Terms& terms, const Session& session, bool outbound,
                                         const Message& message, const Verdict& verdict);

}  // namespace xc::mediate::dbus
