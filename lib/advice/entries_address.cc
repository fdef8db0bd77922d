// Messages about addresses that are no path, programs that are given descriptors, and what is done before a container
// exists.
#include <array>

#include "advice/explain.h"

namespace xc::advice {
namespace {

constexpr std::array entries{
    Entry{"is not on the loopback: expected *", "a port must not be reachable from outside the container",
          "write tcp:127.0.0.1: and a port of 1 to 65535"},
    Entry{"carries bytes and no descriptors, which * needs; use a path|carries bytes alone: no descriptors, no "
          "messages, no credentials; use a path",
          "TCP has no place for what the service's protocol or identity needs", "give the service a path or @name"},
    Entry{"has no name of 1 to 64 of A-Z a-z 0-9 _ . - behind *",
          "the name becomes a file below /dev/xconnect, where programs ask for the descriptor", "write fd: and a name"},
    Entry{"port with host network: * would be reachable by every process of the host; use a path",
          "the container has no network of its own, so its loopback is the host's",
          "use a path, or \"shared-netns\": true when every process of the host may come"},
    Entry{"with host network: nobody can say who answers there",
          "the provider's container has no network of its own, and a port cannot be asked whose it is",
          "let the provider listen at a path or at @name, or give it a network of its own"},
    Entry{"whose user * is not served|whose root directory is not the one that is served",
          "the mediator was told whom to serve (--client-uid, --client-root), and somebody else came",
          "start the client as that user and in that root, or name another"},
    Entry{"handing a descriptor over: the client takes no byte|nothing was handed over: the service's provider is not "
          "there, or refuses",
          "the meeting at fd:NAME ended without a connection", "xc-inject status shows why the link has no provider"},
    Entry{"is a device: programs open it by its path|no service of the host|has no link to a service *|"
          "no program: say it behind *|--listen: only for programs of the host",
          "xc-inject exec does not know what to connect or to start",
          "xc-inject exec [--container NAME] SERVICE... -- PROGRAM; xc-inject status lists the links"},
    Entry{"the kernel does not tell the capabilities of a process (*)",
          "a program must have no more rights in a container than its first process has", "mount /proc, Linux 3.2 on"},
    Entry{"--require: expected NAME=TARGET", "the hook was registered with a request that names no service",
          "--require NAME=auto"},
    Entry{"linux.cgroupsPath names no container, so host policy cannot be asked about it",
          "before a container exists only the path of its control group says which one it will be",
          "leave out --cgroups=disabled, or do without policy files"},
    Entry{"config.json: the reading process sent back a place where no list ends",
          "the process that reads config.json was deceived by it", "look at the image: it may be an attack"},
    Entry{"config.json: has no list /process/env, where variables are to be set",
          "the engine proposed a container without any environment", "give it one variable, such as PATH"},
    Entry{"the engine does not take the answer", "podman ended while xc-precreate wrote", "see podman's own message"},
    Entry{"the host offers no service: there is nothing in services.d", "there is nothing to write devices for",
          "declare services in /etc/xconnect/services.d"},
};

}  // namespace

const std::span<const Entry> address_entries = entries;

}  // namespace xc::advice
