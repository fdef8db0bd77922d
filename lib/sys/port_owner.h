// Whose is a port of the loopback? TCP tells a client nothing of who answers, so the kernel's tables are asked: which
// sockets listen there, and which process holds them. Runs in the monitor, in the host's pid namespace.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "sys/proc.h"
#include "sys/process.h"

namespace xc::sys {

/// Inodes of the sockets that `table` (/proc/PID/net/tcp or tcp6) shows listening at `port`, where a connection to
/// 127.0.0.1 may arrive: that address, any address, and the same as IPv6 writes them.
[[nodiscard]] std::vector<std::uint64_t> listeners_in(std::string_view table, std::uint16_t port);

/// The same of both tables of the network namespace that `process` lives in, in order.
[[nodiscard]] Result<std::vector<std::uint64_t>> listeners_at(const Process& process, std::uint16_t port);

/// True when each of these sockets is held by a process that belongs to the container whose first process is `init`
/// (sys/peer.h). Looks at the descriptors of every process of the host: milliseconds.
[[nodiscard]] Result<bool> belong_to(const Proc& proc, const std::vector<std::uint64_t>& sockets, const Process& init);

}  // namespace xc::sys
