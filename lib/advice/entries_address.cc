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
    Entry{"needs an engine that asks about system calls as OCI says, and this is *|"
          "config.json lets nobody be asked about connect(2): *|linux.seccomp.listenerPath is *, and must be *|"
          "the engine cannot connect to *|this kernel cannot redirect connect(2): *",
          "connect:/path works by a filter that the engine installs, and the engine must be told where we listen",
          "put what `xc-inject hooks print runc --connect NAME` says into config.json, let podman call xc-precreate "
          "(podman 3.0 drops what it adds), or name a path as well"},
    Entry{"target \"connect:...\": * is longer than the 107 bytes that connect(2) takes",
          "no program can name such a path", "choose a shorter one"},
    Entry{"* is for connections that a shim carries: a lease or a datagram socket needs a path",
          "a shim carries connections, and nobody stands between datagrams", "choose a path as target"},
    Entry{"--connect is for runc and crun, whose config.json a person writes*|*: not a name that a container may have",
          "the filter belongs into the configuration of one container", "xc-inject hooks print runc --connect NAME"},
    Entry{"the engine did not come to linux.seccomp.listenerPath, *",
          "crun connects there before it calls hooks; an older crun installs the filter and tells nobody, and then the "
          "kernel answers every connect(2) with ENOSYS",
          "use crun 0.19 or later or runc 1.1 or later, or take the filter out of config.json and name a path"},
    Entry{
        "a place for the engine's questions|a place for the engine to wait in|the engine's question about connect(2)*|"
        "it sent a descriptor that is no filter's|SECCOMP_IOCTL_NOTIF_RECV",
        "the engine and the shim do not meet at the listenerPath",
        "look who else has a container of that name; end it, or start this one again"},
    Entry{"a call of connect(2) is not looked at*|the agent that reads paths of connect(2) ended*|"
          "the agent ended too often within a minute*|connect(2) to *|the agent takes no question|a caller's memory|"
          "pidfd_getfd|a question of another form|the link is closed|process * does not live in the container|"
          "connect(2) is not asked about any more: *",
          "a call to connect:/path could not be redirected; the kernel did it instead",
          "xc-inject status and the log say why; a program of the container may be attacking the agent"},
    Entry{
        "a variable of the container names *, which is none of the places that this link may have",
        "an annotation io.xconnect.place.* says where xc-precreate's variable points, and the manifest says otherwise",
        "look where the annotation comes from: the image, or a manifest that changed meanwhile"},
    Entry{"the variable * must be 16 to 256 visible characters without blanks",
          "a token that can be guessed or written in two ways is none", "openssl rand -hex 16"},
    Entry{"has no name of 1 to 64 of A-Z a-z 0-9 _ . - behind *",
          "the name becomes a file below /dev/xconnect, where programs ask for the descriptor", "write fd: and a name"},
    Entry{"port with host network: * would be reachable by every process of the host; use a path",
          "the container has no network of its own, so its loopback is the host's",
          "use a path, or \"shared-netns\": true when every process of the host may come"},
    Entry{"another one listens at * since a moment ago", "the provider's port changed hands while we connected",
          "connect again"},
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
