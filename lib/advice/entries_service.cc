// Messages about who offers what, and who may use it.
#include <array>

#include "advice/explain.h"

namespace xc::advice {
namespace {

constexpr std::array entries{
    Entry{"no policy entry allows *",
          "there is a policy on this host, and no entry of it allows this consumer this service in this role",
          "add an entry to a file of /etc/xconnect/policy.d: { \"consumer\": ..., \"service\": ..., "
          "\"roles\": [...] }"},
    Entry{"no policy entry lets the image of * offer *",
          "a services.json inside an image is a request; host policy decides",
          "add to a policy file: \"offer\": [ { \"provider\": ..., \"service\": ... } ]"},
    Entry{"* does not grant * to the role *|* has no role * for *|"
          "* has rules for the role * of *, but none for its "
          "type *|in the role *",
          "the provider's services.json, or host policy, does not give that role what is asked for",
          "ask for another \"role\" in run.json, or extend \"allow\" or \"roles\" of the provider"},
    Entry{"both * and * offer *: name the one that is meant",
          "two providers offer a service of that name, and which is meant cannot be guessed",
          "write \"provider\" in run.json"},
    Entry{"* offers * as *, but the link is at a port, which carries bytes alone",
          "the service's type was not known when the link was planned, and it needs more than bytes",
          "give the service a path as target"},
    Entry{"* offers * as *, but the link was planned as *|* offers * on a * socket, but the link was planned "
          "for *",
          "the provider's offer changed its type since the consumer was started", "start the consumer again"},
    Entry{"* knows who uses * by user, and has no \"uid\" other than 0 for the role *",
          "with \"identity\": \"credentials\" each role must have a user number of its own",
          "write \"roles\": { ROLE: { \"uid\": N } } in services.json"},
    Entry{"* owns * on the bus * and has no socket for it: ask for the bus",
          "the provider is reached through a bus of the host, not directly",
          "ask for the service of the bus, with \"interface\" set to that name"},
    Entry{"nobody offers * now",
          "no container that runs, and no file of the host, offers the service: its clients get 503, or a "
          "connection "
          "that closes, until somebody does",
          "start the provider; xc-inject ps shows who offers what"},
    Entry{"provider * is not running|provider * has ended|provider *: *",
          "the provider's container has ended or is just ending", "start it again; links find it by themselves"},
    Entry{"provider * is not in its own root",
          "the provider's first process changed its root since it was started, so paths in it cannot be "
          "trusted",
          "let its first process stay in the container's root"},
    Entry{"whoever listens at * does not live in that container",
          "another process than one of the provider's container listens at the offered socket: it is "
          "refused, as it "
          "could be anybody",
          "let a process of the container listen there"},
    Entry{"process * connected, which does not live in the container",
          "somebody outside the container found its abstract socket and was turned away",
          "use a path instead of @name where that matters"},
    Entry{"no manifest on this host declares a service of that name for it",
          "a required service is not known on this host", "install its provider, or correct the name"},
    Entry{"type * is not known|services of type * are not supported yet|"
          "sockets of kind * are not supported yet|* is "
          "not supported yet: *",
          "this version does not do that", "the README's tables say what each type and target can do"},
    Entry{"it is optional, so the container starts without it|optional service *",
          "something that was asked for as optional cannot be had", "the words before say why; nothing else is harmed"},
    Entry{"it is not published|offered service *", "an offer of the container is not made known",
          "the words before say why"},
    Entry{"its io.xconnect annotations are trusted, though podman may have them from the image",
          "podman copies an image's annotations to the container, and a hook cannot tell them from the user's",
          "say what containers may use in a file of /etc/xconnect/policy.d"},
    Entry{"the worker's queue is full: a connection was dropped", "more clients connect at once than the link takes",
          "let clients try again, or use fewer connections"},
    Entry{"link closed: *|the worker died or could not be started too often within a minute|"
          "the worker *; its last "
          "words: *|the worker takes no connection, ending it",
          "the process that mediates one link ended; the link is served by a new one, or closed after too "
          "many deaths",
          "the words say how it ended; restart the container, and tell us"},
    Entry{"telling the provider who calls: it takes no byte",
          "the provider does not read the greeting that its \"identity\" asks for", "look at the provider"},
    Entry{"the kernel does not let us wait for connections", "the shim cannot watch the link's socket any more",
          "restart the container, and tell us"},
    Entry{"at *, ", "the link has another place than the first that was asked for", "xc-inject status --json says why"},
    Entry{"is longer than 107 bytes: clients can reach it by a relative path only",
          "an address of a socket holds 107 bytes", "choose a shorter target"},
};

}  // namespace

const std::span<const Entry> service_entries = entries;

}  // namespace xc::advice
