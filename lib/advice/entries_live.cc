// Messages about containers that run: looked at, given links, deprived of them.
#include <array>

#include "advice/explain.h"

namespace xc::advice {
namespace {

constexpr std::array entries{
    Entry{"* no such container is served; of one without hooks say the pid, and --name|"
          "process * is no container that a hook was called for: say with --name who it is",
          "no hook was called for it, so nobody but you can say which container it is, and by which name providers "
          "shall know it",
          "xc-inject apply PID LINK --name NAME, with the pid of its first process"},
    Entry{"* no such container is served|* no such link is served",
          "no running container of that name, or pid, has an entry in the state directory, or it has no such link",
          "xc-inject ps shows which there are; --state names another directory"},
    Entry{"it has 64 links already, which is the limit|the container has 64 links already",
          "a container may have 64 links", "revoke one that it does not need"},
    Entry{"its shim has ended, and its links with it: start the container again",
          "the process that served the container's links was killed", "start the container again; its log says more"},
    Entry{"its first process has left the root directory that it started in",
          "what would be planted would appear somewhere else than its hook was asked for", "start it again"},
    Entry{"another file lies over the node that was planted at *",
          "somebody in the container has mounted something there since: what is opened under that name is not our node",
          "xc-inject doctor CONTAINER looks at it; start the container again to have the node back"},
    Entry{"it has no link *|it serves no link at *", "the container has other links than that",
          "xc-inject status CONTAINER shows which"},
    Entry{"it has more than one *: say which with =TARGET", "the service is linked at several places",
          "xc-inject revoke CONTAINER SERVICE=TARGET"},
    Entry{"it takes no order now|it does not answer|its worker takes no observer now",
          "the shim, or a worker of it, is busy or stopped", "try again; xc-inject doctor CONTAINER looks at it"},
    Entry{"eight observers look at this link already", "every observer costs the link's worker a little time",
          "end another xc-inject trace"},
    Entry{"what it offers and is granted makes a record longer than 1 MiB",
          "what is kept about a container must stay readable, for others too", "write fewer or shorter rules"},
    Entry{"the link's rules are too long to hand them to its shim",
          "policy and manifests give this link more than 128 KiB of rules", "write fewer, or with patterns"},
    Entry{"* no trace: a line is longer than 1 MiB", "the file was not written by xc-inject trace --output",
          "name another file"},
    Entry{"--pcap writes what messages carry: say --payload as well",
          "payloads are shown only to those who ask for them", "add --payload"},
    Entry{"one link was to be added|no link was made|an order of no known kind|an observer without a socket|"
          "a link that cannot be added|a link that cannot be removed",
          "xc-inject and the shim do not understand each other: they may be of different versions",
          "start the container again after an upgrade; if that is not it, it is a defect of ours"},
    Entry{"it has no *", "the container has no link or service of that name", "xc-inject status shows those it has"},
    Entry{"*: has ended", "the container's first process ended in the meantime", "start the container again"},
};

}  // namespace

const std::span<const Entry> live_entries = entries;

}  // namespace xc::advice
