// Messages about vchans, of ours and of libvchan-socket.
#include <array>

#include "advice/explain.h"

namespace xc::advice {
namespace {

constexpr std::array entries{
    Entry{"domain * may not talk to * in the role *",
          "the provider's role or host policy lists which domains may talk to which ports, and this pair is not listed",
          "add the consumer's domain to \"domains\" and the port to \"ports\" under \"vchan\" of that role, in "
          "services.json and in every policy file that lists them"},
    Entry{"* offers * as vchan, but the link was planned as *|* offers * as *, but the link was planned for *",
          "the socket's name in the container holds both domains and the port, so it was planted for one vchan and "
          "serves no other",
          "make \"server\" and \"port\" of run.json agree with \"domain\" and \"port\" of services.json, or leave them "
          "out, and start the container again"},
    Entry{"a vchan needs the consumer's own \"domain\"",
          "a vchan is between two domains, and nobody but the consumer's manifest knows its own",
          "write \"domain\" in run.json, the number that the program has in VCHAN_DOMAIN"},
    Entry{"nobody has declared this vchan, so its \"server\" and \"port\" must be named",
          "the socket must be planted before the provider is known, and its name holds the provider's domain and port",
          "write \"server\" and \"port\" beside \"domain\" in run.json, or declare the service on this host"},
    Entry{"vchan: *: the name of a socket there would be longer than 107 bytes",
          "libvchan-socket makes vchan.SERVER.CLIENT.PORT.sock in VCHAN_SOCKET_DIR, and an address holds 107 bytes",
          "a shorter VCHAN_SOCKET_DIR"},
    Entry{"vchan: *: a ring of more than 1 GiB is asked for", "rings of libvchan-socket are at most 1 GiB",
          "smaller sizes for libvchan_server_init(), or a smaller VCHAN_RING"},
    Entry{"vchan: *: no descriptor is to be had", "the process has as many open files as it may have",
          "close channels that are not used, or raise RLIMIT_NOFILE"},
};

}  // namespace

const std::span<const Entry> vchan_entries = entries;

}  // namespace xc::advice
