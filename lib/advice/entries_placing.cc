// Messages about where a link appears in a container.
#include <array>

#include "advice/explain.h"

namespace xc::advice {
namespace {

constexpr std::array entries{
    Entry{"* is not in a place for sockets or devices",
          "links are planted only where a mistake can hide nothing of the image: /etc or /usr are no such "
          "places",
          "choose a target below /run, /tmp, /dev/shm, /dev/xconnect or $HOME/.local/run"},
    Entry{"target * is a directory: add a file name|* is the root directory itself|"
          "is not absolute: it must begin "
          "with|has a \"..\" component|has a \".\" component|has an empty component|has more than 64 components|ends "
          "in \"/\"|"
          "has a component "
          "longer than 255 bytes|is longer than 4095 bytes|contains a control character|"
          "is longer than the 107 bytes "
          "an abstract name may have|has no name behind the \"@\"|a target must be an absolute path|"
          "a target must not "
          "hold|a path cannot hold a zero byte|a socket's path must have 1 to 107 bytes|"
          "an abstract socket name must "
          "have 1 to 107 bytes",
          "the address is not one that a socket or a node can have",
          "write an absolute path without '.', '..' and '//', or @name"},
    Entry{"target * is a socket's name, and the service is a device|target * is for a *",
          "devices belong below /dev/dri or /dev/input, sockets elsewhere", "correct \"target\""},
    Entry{"services * have the same target *|targets * and * of services * lie one below the other",
          "two links cannot be at one place", "give each a target of its own"},
    Entry{"abstract endpoint with host network: *",
          "an abstract name belongs to a network namespace: in the host's, every process of the host would "
          "see it",
          "use a path, give the container a network namespace, or write \"shared-netns\": true"},
    Entry{
        "* with shared network: * would be there for the other containers of that network as well; use a path, or *",
        "names and ports belong to a network namespace, and other containers live in this one, such as the members of "
        "a pod",
        "use a path, or \"shared-netns\": true when they may see it too"},
    Entry{"no default target exists for type *", "for this type there is no place where clients look by themselves",
          "name one as \"target\""},
    Entry{"the container's file system is read-only there; *",
          "a place in a read-only root can be used only when the image has an empty file of that name",
          "choose a target on a tmpfs such as /run, or make an empty file of that name in the image"},
    Entry{"*: a symlink that leads nowhere; make its target in the image",
          "what a dangling symbolic link would point at cannot be made without trusting the image",
          "make its target in the image"},
    Entry{"* is there already; only an empty file that belongs to the container's root may be*|"
          "a file with contents|a file with other names|a file of another user",
          "the image has a file, link or socket of that name, and it is not ours to remove",
          "remove it from the image, or choose another target"},
    Entry{
        "nobody in the container can pass *, a directory of user * and group * with mode *, which lets in no id of the "
        "*",
        "a directory of the host was bound into a container whose ids are others, and its owner and group are none of "
        "them: a socket below it could be reached by nobody inside",
        "let others search it (chmod o+x), map its owner (idmap=container), or choose another target"},
    Entry{"it lies on a file system of type *, which is no place for it|the mount * is shared with other "
          "mount "
          "namespaces|it lies on a mount that does not belong to the container|the place to plant in",
          "what is planted there would be seen by others, or would not last",
          "choose a target among the container's own files, such as one below /run; mount volumes private or "
          "slave"},
    Entry{"directories were renamed or mounted under it all through *",
          "somebody kept renaming directories of the path while it was looked up: an accident, or an attack",
          "look at who does that in the container"},
    Entry{"the entry was exchanged while it was planted|the directory just made belongs to somebody else|"
          "the mount did "
          "not take its flags",
          "between two steps somebody put something else there; it was undone",
          "look at who does that in the container"},
    Entry{"* shares the host's mount namespace; there is no container to plant into|*: not a mount point in "
          "the "
          "container's mount namespace, so not its root|the container's root is not pivoted yet, and the "
          "engine gave "
          "no absolute path of it|the root of process * is not the root of a mount|process * is the first process of "
          "container *; the state document and the container do not belong together",
          "what the engine says of the container and what the kernel says do not belong together",
          "xc-inject doctor BUNDLE; the hook belongs to createRuntime or lxc.hook.start-host"},
    Entry{"the container's root has no id on the host; map its id 0",
          "the container's user namespace maps no root, so nothing can belong to it",
          "add a mapping of id 0 (lxc.idmap, uidMappings)"},
    Entry{"this kernel has no open_tree(2)*",
          "mounts can be brought into a container whose root is pivoted from Linux 5.2 on",
          "use a newer kernel, or runc or crun, whose hooks come before"},
    Entry{"left half done by a hook that was killed; stop the container and start it again|another hook "
          "works on it",
          "an earlier hook for the same container did not end",
          "stop the container and start it again; raise the hook's timeout if the host is slow"},
    Entry{"the container has ended|the container's init",
          "the container's first process ended while its links were made", "look at why it ends so early: its own log"},
    Entry{"the work did not end before its deadline; it was given up",
          "a file system did not answer in time (a network mount, a FUSE mount)",
          "look at the mounts of the target and of the image; --deadline gives more time"},
    Entry{"it ended before it was ready; the host's log has its reason|no answer within * ms|"
          "the shim left before it "
          "was told to serve|starting the shim",
          "the shim could not start, so the container was not let start either",
          "the host's log (journalctl, /dev/log, --log FILE) has its own line"},
    Entry{"* is neither beside this program nor in *; reinstall xconnect",
          "xc-hook starts xc-shim from its own directory or from where it was configured to be",
          "install xconnect anew"},
    Entry{"must belong to uid * with mode 0700; chown and chmod it, or remove it",
          "the state directory holds sockets into containers, and must be root's alone",
          "chown root:root DIR; chmod 700 DIR"},
    Entry{"left as it is: *|cannot be removed: errno *",
          "something of a container that has ended stays, since it is not sure that nobody uses it",
          "look at it; remove it by hand when nobody does"},
    Entry{"no control group of its own: *",
          "the shim stays in the group of its engine: its memory is not limited, and LXC cannot remove its "
          "monitor's "
          "group",
          "xc-inject doctor looks at the control groups"},
    Entry{"nothing to plant there|planting answered for another list|a step of no known kind|"
          "not a name for a "
          "cgroup|not a name of a directory's entry|not the name of a file in a directory",
          "a promise of our own code is broken", "tell us, with the whole line"},
};

}  // namespace

const std::span<const Entry> placing_entries = entries;

}  // namespace xc::advice
