// Messages about device nodes, and about links that have no mediator.
#include <array>

#include "advice/explain.h"

namespace xc::advice {
namespace {

constexpr std::array entries{
    Entry{"a direct link to * lets every descriptor pass: the role * must allow them",
          "nobody stands between the two sides of a direct link, so nobody can count descriptors",
          "write \"unix\": { \"fds\": 253 } for the role in services.json, or leave \"via\" out"},
    Entry{"only services of type unix can be had directly|an abstract name cannot be had directly; use a path|"
          "\"identity\" and \"via\": \"direct\" exclude each other",
          "\"via\": \"direct\" plants the provider's own socket: it must be a path, and nothing can be added to its "
          "bytes",
          "remove \"via\", or what stands against it"},
    Entry{"a mount came without its descriptor|*: a device without a "
          "node|a device without a node|"
          "nobody looked at the device *",
          "a promise of our own code is broken", "tell us, with the whole line"},
    Entry{"the image of * offers the device *: only a manifest of the host may",
          "what is inside an image is a request, and devices of the host are not an image's to give",
          "declare it in /etc/xconnect/services.d, or list the image in a policy file (\"offer\")"},
    Entry{"devices of type * are granted where the host names them: *",
          "a container cannot give away a device of that type", "declare it in /etc/xconnect/services.d"},
    Entry{"* is a *, not a character device|* is no DRM card and no render node: *|* is no input device: *",
          "what stands at that path is not a device of the type that services.json says",
          "correct \"socket\" or \"type\"; ls -l and /sys/dev/char/MAJOR:MINOR show what it is"},
    Entry{"* bears the number *, for which the kernel has no device|"
          "* bears the number *, which the kernel calls *; offer it under that name",
          "the node's number is not what its name says: it is old, or made to deceive",
          "load the driver, remove the node, and let udev make it anew"},
    Entry{"is offered as \"char\"; offer it as *, which has rules for such devices",
          "cards and input devices have types of their own, which check more", "correct \"type\""},
    Entry{", and the role * needs a card|, whose hardware has no render node",
          "the role asks for a node that this device does not have", "ask for the other role, or offer the other node"},
    Entry{"somebody took the device rule of the container away; it is back",
          "systemd (daemon-reload) or the engine (update) wrote the container's device rules anew, without ours",
          "nothing: the rule was put back; a device in config.json itself would last"},
    Entry{
        "the container has put something else there|nothing of ours is there|the container's record is gone|"
        "*: not a socket",
        "what was planted is not at its place any more: the container's root moved it, or the container is just ending",
        "restart the container"},
    Entry{
        "the kernel does not show the container's device program, so it cannot be changed|a device program of * bytes",
        "devices of control groups of version 2 are decided by a program, and this one cannot be read or extended",
        "sysctl net.core.bpf_jit_harden=1, and run the hook with CAP_BPF or CAP_SYS_ADMIN"},
    Entry{"control group * is not visible at *|*: another file system lies over the control groups|"
          "no device control group is mounted, so nobody can say which devices the container may open",
          "the container's control group cannot be found where it should be",
          "xc-inject doctor looks at the control groups"},
    Entry{"a control group above the container's forbids device *",
          "a rule can be added to the container's own group, but what a group above it forbids stays forbidden",
          "allow the device in the slice or unit above (DeviceAllow=), or move the container elsewhere"},
    Entry{"device control group: the rule * was written and is not there|"
          "device control group: the rule * was attached and does not hold",
          "somebody else changes the same rules at the same time", "start the container again; look at who does"},
    Entry{"the container's id * has no id on the host; map it", "the node would belong to nobody in the container",
          "add a mapping for that id (lxc.idmap, uidMappings)"},
    Entry{"this kernel has no fsopen(2), which device nodes need", "nodes are made on a file system of their own",
          "Linux 5.2 or later"},
    Entry{"/sys is no sysfs, so the kernel cannot be asked what a device is|/sys/* describes another device",
          "whether a node is what it claims is asked of the kernel through /sys", "mount -t sysfs sysfs /sys"},
    Entry{"is another device by now", "the card at that path was exchanged since the link was planned",
          "start the container again"},
    Entry{"the card has no connector *|every connector of the card is leased already|"
          "the connector is leased already",
          "a lease gives one connector to one consumer",
          "ask for another connector in the role, \"lease:NAME\"; /sys/class/drm lists them"},
    Entry{"a lease needs a card that is kept open for all who lease from it|"
          "owner and mode of the device are set by its rules, and without root *",
          "podman was started by an ordinary user: a container of theirs is shown the host's own node, and nothing can "
          "be "
          "made or kept for it",
          "leave that out of role and rules, or run the container as root"},
    Entry{"*: the user may open it as member of a group only, and the container is without the user's groups*",
          "an ordinary user's container has the user's rights but not the user's groups",
          "podman run --group-add keep-groups (with crun), or an access list: setfacl -m u:USER:rw NODE"},
    Entry{"*: the user may not open it, and only root can make another node of it*",
          "an ordinary user's container can have the devices that the user may open, and no others",
          "setfacl -m u:USER:rw NODE, a udev rule (TAG+=\"uaccess\"), or run the container as root"},
    Entry{"a lease without a container|the client takes no byte",
          "the client of a lease went away, or does not read what it asked for", "look at the client"},
};

}  // namespace

const std::span<const Entry> device_entries = entries;

}  // namespace xc::advice
