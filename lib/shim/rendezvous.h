// The meeting place of a target "fd:NAME": whoever connects is given a connected descriptor and a sealed description of
// it, and the meeting ends. Runs in the monitor; reads no byte of the client.
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "model/link.h"

namespace xc::shim {

/// One message to `client`: a line of JSON (service, role, target, type), and with its first byte two descriptors: the
/// connection, and a sealed memfd that holds the same line. Our end of the connection, non-blocking; `client` may be
/// closed then. Of any other target the answer is `client` itself. Kind::again when it takes no byte.
[[nodiscard]] Result<Fd> meet(const model::Link& link, Fd client);

}  // namespace xc::shim
