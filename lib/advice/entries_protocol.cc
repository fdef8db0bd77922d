// Messages about what a client or a provider said through a link.
#include <array>

#include "advice/explain.h"

namespace xc::advice {
namespace {

constexpr std::array entries{
    Entry{"a message with * descriptors; the role may pass *|this link may not send as many descriptors in a "
          "message|more descriptors arrived than there is room for",
          "the client sent more descriptors (SCM_RIGHTS) with one message than its role may, or than a "
          "message can have",
          "\"roles\": { ROLE: { \"unix\": { \"fds\": N } } } in services.json"},
    Entry{"a message is larger than 4 MiB", "a seqpacket message longer than the relay holds", "send smaller messages"},
    Entry{"no byte in time|the client reads no more|the compositor keeps a client that has left|"
          "the head of the "
          "request came too slowly|the body of the request came too slowly|"
          "the provider did not answer in time",
          "one side stopped reading or writing, and the connection was ended after the time that is usual",
          "look at that side; \"wait\" in a rest rule gives a slow provider more time"},
    Entry{"the provider or the host's policy refuses this client",
          "the provider is there, and this consumer may not use it in its role: 403",
          "xc-inject plan shows what the role may do"},
    Entry{"the client * may not *|may not *", "the role's rules do not allow this method on this path: 403",
          "xc-inject plan shows the rules; extend \"rest\" of the role"},
    Entry{"the body is longer than the role may send", "the role's \"body\" limits what a request carries: 413",
          "raise \"body\" in the role's rest rules"},
    Entry{"the provider takes no more requests on this connection",
          "the provider has said that it closes the connection: 503", "let the client try again"},
    Entry{"the provider's answer is malformed|malformed trailers|the status line *|"
          "the status is not between 100 and "
          "599|the reason phrase *",
          "the provider does not speak HTTP as RFC 9112 says, and what it says is not passed on: 502",
          "look at the provider"},
    Entry{"the head is too long|the request line is too long|the request target is too long|too many fields",
          "the head of a request is larger than is taken: 414 or 431", "send fewer or shorter fields"},
    Entry{"only HTTP/1.0 and HTTP/1.1 are spoken here|CONNECT and TRACE are not spoken here|"
          "Expect is not 100-continue",
          "the request asks for a part of HTTP that is not mediated: 501, 505 or 417",
          "for HTTP/2 say \"protocol\": \"h2c\" in the role's rest rules"},
    Entry{"a line ends with a bare LF|a line has a bare CR|a field * |a field line *|a field name *|a field value *|"
          "more than one *|both "
          "Transfer-Encoding and Content-Length|Transfer-Encoding *|Content-Length *|Connection *|"
          "Host is not one host "
          "name|HTTP/1.1 without Host|Upgrade is not a list of protocols|the request *|"
          "the start line names no HTTP "
          "version|the connection ended in the middle of a *|the body is not in the chunked coding",
          "the request could be read in two ways (request smuggling), or is no HTTP: 400",
          "use a client that keeps to RFC 9112"},
    Entry{"D-Bus message: *|D-Bus handshake: *|D-Bus connection: *",
          "one side does not keep to the D-Bus specification, and what it says cannot be judged, so the "
          "connection is "
          "ended",
          "xc-inject trace shows the last messages; look at that side's D-Bus library"},
    Entry{"the bus refused to know us (EXTERNAL was rejected)", "the bus does not let the role's user in",
          "give the role a \"uid\" that the bus knows, in the host's offer"},
    Entry{"match rule: *", "a client asked for signals in a way that is not allowed or not understood",
          "correct the rule; eavesdropping needs the bus itself"},
    Entry{"this link may not call *|this link may not own the name *|this link has too many *|"
          "a call to the bus with "
          "so long a body is not mediated",
          "the role's rules on the bus do not allow it: org.freedesktop.DBus.Error.AccessDenied or "
          "LimitsExceeded",
          "xc-inject plan shows the rules; extend \"dbus\" of the role"},
    Entry{"Wayland event|Wayland: *|invalid version for global *|invalid global *|"
          "invalid interface for global "
          "*|invalid object *|descriptors that no request claims|too many objects",
          "client or compositor said something that the protocol's XML does not define, or used a global "
          "that the role "
          "does not show",
          "xc-inject trace shows the last messages; \"wayland\" of the role says which globals are shown"},
    Entry{"Already handled an Hello message|Could not get owner of name *: no such name|"
          "a connection can only own a "
          "well-known name|The name * was not provided by any .service files|"
          "the given match rule was not found|"
          "Call to * has wrong args",
          "a call to the bus itself was wrong; the answer is in the words that a bus uses",
          "a name that the role may not see does not exist for it: xc-inject plan shows the rules"},
    Entry{"the descriptor is not shared memory of * bytes",
          "a compositor maps the memory of a client's pixels: a file that is shorter, or lies on a network or FUSE, "
          "could kill "
          "or stall it; wl_shm answers with its error 2 (invalid_fd)",
          "let the client use memfd_create(2), and make the file as large as the pool first"},
    Entry{
        "no security context of the compositor: *|asking for a security context*|through its security context: *|"
        "through the security context: *|the compositor refuses: *|the compositor hangs up|"
        "the compositor takes no byte|the compositor does not answer|an event of an impossible length|"
        "an event with arguments that do not fit|it ended before anybody came through it|sending a herald*|"
        "a herald without an errand|keeping the compositor's socket|a socket without a name|"
        "nowhere to make a socket|*: somebody exchanged it",
        "the compositor offers wp_security_context_v1, so the link's clients go through a context of their own or not "
        "at all, and this one could not be had",
        "look at the compositor's log; it is asked again at the next client, at most once a second"},
    Entry{"invalid length * of a request to object *|invalid arguments for *|, object *",
          "the client sent a Wayland request that its own protocol does not define",
          "xc-inject trace shows the last messages; look at the client"},
};

}  // namespace

const std::span<const Entry> protocol_entries = entries;

}  // namespace xc::advice
