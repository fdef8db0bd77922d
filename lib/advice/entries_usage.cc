// Messages about command lines and about how a hook was called.
#include <array>

#include "advice/explain.h"

namespace xc::advice {
namespace {

constexpr std::array entries{
    Entry{"user * is not among the ids of the user whose podman this is",
          "the role acts or speaks as a user, and podman without root has only its user's subordinate ids",
          "leave \"uid\" (or \"identity\": \"credentials\") out of the offer, or run podman as root"},
    Entry{"a worker needs an id that nobody else has, and the user has no subordinate ids*",
          "whoever mediates must not be able to reach the user's other processes, so it runs under an id of its own",
          "usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER; podman system migrate"},
    Entry{"called as user *, who may not enter a container*",
          "the hook was called by an ordinary user outside of any user namespace, who can plant nothing",
          "let podman call it (it does so as root of the user's namespace), or run the engine as root"},
    Entry{"is not a command; see xc-inject --help|"
          "unknown option, or one without its value; see xc-hook --help|too "
          "many arguments; see xc-hook --help",
          "the command line is not understood", "the program's --help lists what there is"},
    Entry{"--config *: is not there",
          "the configuration directory that was named does not exist; without --config, /etc/xconnect may be "
          "absent",
          "correct the path, or make the directory"},
    Entry{"--storage *: has no trails/current with the container *",
          "the storage of Pantavisor that was named does not hold this container",
          "name the directory that trails/ lies in: /storage, or /var/pantavisor/storage in the appengine"},
    Entry{"the bus of the device has no roles: *",
          "who a role is on the bus that Pantavisor runs stands in config/dbus-role-uids.json, which was not found; "
          "nobody "
          "may use the bus then",
          "switch Pantavisor's hosted bus on, or name its storage with --storage"},
    Entry{"the state of the revision cannot be used: *|what * declares is not known: *|*/json: was taken away while it "
          "was "
          "read",
          "what other containers of the device declare is told by .pvr/json and their own manifests",
          "correct the file that is named; until then those services are known only while their containers run"},
    Entry{"belongs to one container more than the * allowed", "a file of Pantavisor's is not what Pantavisor writes",
          "see who wrote it"},
    Entry{"CRI-O refuses the directory while it holds podman's stage precreate; before this: *",
          "podman and CRI-O read one directory, and CRI-O does not start when a file there names a stage it does not "
          "know",
          "xc-inject hooks remove podman; podman reads what is installed for CRI-O as well, only without variables"},
    Entry{
        "LXC_CONFIG_FILE is *, and *: is not there; start the container with an absolute path: lxc-start -f /...",
        "lxc-start -d works in / and tells hooks the name it was given, so the directory of the manifests is not known",
        "name the configuration by its absolute path"},
    Entry{"--require: * and * ask for one service; say it once",
          "the hook was told two places or roles for one service, on its command line or by two devices of podman "
          "(--device xconnect/service=NAME), and cannot know which one is meant",
          "leave one of them out"},
    Entry{"* is asked for twice; say it once", "two words of xc-inject exec name one service, and it has one variable",
          "leave one of them out"},
    Entry{"--root *: is not there|--lxcpath *: is not there|--hooks-dir *: is not there",
          "the directory to look into is not there, and a mistyped one would seem to be in order",
          "mount the image first, or correct the path"},
    Entry{"--deadline: expected 1 to 60000 milliseconds", "the time a hook gives itself is out of range",
          "2000 is usual"},
    Entry{"--identity: expected json-line, proxy-v2 or credentials, of a unix link|--socket-type: expected "
          "stream, or "
          "for unix seqpacket|TYPE: * is not mediated; try unix, rest, dbus or wayland",
          "xc-inject mediate does not know that word", "xc-inject mediate --help says the words"},
    Entry{"LXC hook type *: use lxc.hook.start-host and lxc.hook.post-stop",
          "xc-hook stands at a stage of LXC in which it cannot work", "xc-inject hooks print lxc says the lines"},
    Entry{"LXC_PID is not set: use lxc.hook.start-host", "LXC sets the pid of the container's init from start-host on",
          "use lxc.hook.start-host, with LXC 3.0 or later"},
    Entry{"called inside the container's namespaces: use the hook stage createRuntime|is * already: use the "
          "hook stage "
          "createRuntime|stage *: use createRuntime (or prestart) and poststop",
          "xc-hook stands at the wrong stage of config.json or hooks.d: there it sees the container from "
          "inside, or "
          "too late",
          "xc-inject hooks print ENGINE says the lines; xc-inject doctor BUNDLE names the wrong one"},
    Entry{"the engine did not finish the state on standard input in time|state: longer than 1 MiB",
          "an OCI engine writes the container's state to the hook's standard input; this one did not, or "
          "wrote "
          "something else",
          "call xc-hook as a hook, not by hand"},
    Entry{"xc-shim is started by xc-hook, not by hand", "the shim gets its sockets from the hook",
          "start a container instead"},
    Entry{"*: no such engine; known are *", "that engine has no way of registration that we know",
          "choose one of those that are named"},
    Entry{"* has no directory for hooks: put what *",
          "the engine reads hooks from each container's own configuration only",
          "put the printed lines into config.json, or into LXC's configuration of the container"},
    Entry{"the hook must be an absolute path of letters, digits",
          "the path goes into JSON, into LXC's lines and through LXC's shell, unquoted",
          "install xc-hook at a plain path"},
    Entry{"*: what is it? say --as run, args, services or policy",
          "neither the file's name nor its \"#spec\" says what kind of document it is",
          "name it run.json, args.json or services.json, write \"#spec\", or say --as"},
    Entry{"* means two containers that run: say the pid of one's first process",
          "two engines may each have a container of that name, and which is meant cannot be guessed",
          "xc-inject ps shows the pids"},
    Entry{"*: no such container is served", "no container of that name has links or offers now",
          "xc-inject ps lists those that have; xc-inject doctor NAME says why one has not"},
    Entry{
        "*: only root may look at containers that run",
        "the state directory is root's alone: whoever reads it learns of every container, and may give orders to shims",
        "run it as root"},
    Entry{"*: no container was ever served from here",
          "the state directory does not exist: since the host started no hook has done anything",
          "start a container with a run.json; xc-inject doctor finds a registration that is missing"},
    Entry{"*: expected a descriptor|*: not known|the descriptor of --args|expected ADDRESS PATH; see --help|"
          "expected the path of "
          "the socket to make|not known here; a bus address is expected first|"
          "no path "
          "follows for the socket to make",
          "the command line of xdg-dbus-proxy is not understood", "xc-inject dbus-proxy --help"},
    Entry{"bus address *: *", "a D-Bus address must be of the kind unix:path=/run/dbus/system_bus_socket",
          "correct DBUS_SYSTEM_BUS_ADDRESS or the argument"},
    Entry{"*: working directory|ready descriptor", "what the caller handed over cannot be used",
          "call it from a directory that exists, with the descriptor open"},
    Entry{"nothing is known of that message", "neither a message of ours nor an errno was recognised",
          "give the whole line between quotes, or only the errno's name"},
    Entry{
        "what answers there does not speak HTTP|pv-ctrl does not answer|pv-ctrl answers more than 1 MiB|"
        "pv-ctrl answers with status *",
        "what answers at that socket is not Pantavisor's pv-ctrl, or does not let us ask: only privileged callers may",
        "ask from the host, or from a container with role mgmt"},
    Entry{"--svg needs graphviz", "dot(1) draws the picture",
          "apt-get install graphviz, or use --dot and draw it elsewhere"},
    Entry{"holds no run.json, args.json or services.json", "the directory is none of a container, and holds none",
          "name the directory beside whose config.json the manifests stand"},
    Entry{"there is no such manual page", "pages are made for xc-inject, xc-hook, xc-shim, xconnect, and with --schema",
          "man xconnect shows those that are installed"},
};

}  // namespace

const std::span<const Entry> usage_entries = entries;

}  // namespace xc::advice
