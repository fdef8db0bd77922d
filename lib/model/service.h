// What containers offer and ask for: the vocabulary of services.json, run.json and policy. Structs only.
// Formats: spec 2, facts of the predecessor in schemas/. JSON names are the members' names in fields().
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/device.h"
#include "model/wayland.h"

namespace xc::model {

/// Kind of a service (services.json "type").
enum class Type : std::uint8_t { raw_unix, rest, dbus, wayland, drm, input, chardev, vchan, count_ };
[[nodiscard]] std::string_view name_of(Type type);
[[nodiscard]] std::optional<Type> type_of(std::string_view name);
/// Services that are device nodes, not sockets.
[[nodiscard]] bool is_device(Type type);

/// Kind of socket a raw `unix` service speaks (unix(7)).
enum class SocketKind : std::uint8_t { stream, seqpacket, datagram, count_ };
[[nodiscard]] std::string_view name_of(SocketKind kind);
[[nodiscard]] std::optional<SocketKind> socket_kind_of(std::string_view name);

/// How a raw service learns who is calling; nothing in the stream without it.
enum class Identity : std::uint8_t {
  json_line,    ///< one line of JSON in front of everything the client says
  proxy_v2,     ///< a header of the PROXY protocol, version 2, with TLVs for client, role and service
  credentials,  ///< SO_PEERCRED and SCM_CREDENTIALS are those of the role's "uid"
  count_
};
[[nodiscard]] std::string_view name_of(Identity identity);

/// Who wrote a manifest: the host's administrator, or the image (then it is a request and no more: R18), which host
/// policy may have listed among those that may offer the service.
enum class Origin : std::uint8_t { host, image, listed_image, count_ };
[[nodiscard]] std::string_view name_of(Origin origin);

/// One line of a REST role: any of `methods` ("*" = all) on any of `paths` (normalised; `*` one segment, `**` any).
struct RestRule {
  std::vector<std::string> methods;
  std::vector<std::string> paths;
};
template <class A>
void fields(A& a, RestRule& r) {
  a("methods", r.methods);
  a("paths", r.paths);
}

/// What a role may do with a REST service. `all` true: everything, and `rules` is empty.
struct RestRules {
  bool all = false;
  bool upgrade = false;  ///< may switch protocols (101) when the provider answers so
  std::vector<RestRule> rules;
  std::optional<std::uint64_t> body{};    ///< bytes the body of a request may have; absent = any number
  std::optional<std::uint32_t> wait{};    ///< seconds until a response begins, 0 = for ever; absent = the usual time
  std::optional<std::string> protocol{};  ///< "h2c": HTTP/2 with prior knowledge, and nothing else; else HTTP/1
};
template <class A>
void fields(A& a, RestRules& r) {
  a("all", r.all);
  a("upgrade", r.upgrade);
  a("rules", r.rules);
  a("body", r.body);
  a("wait", r.wait);
  a("protocol", r.protocol);
}

/// What a rule of a bus is about.
enum class BusMessage : std::uint8_t { call, signal, count_ };
[[nodiscard]] std::string_view name_of(BusMessage message);

/// One call to a name, or one signal of its owner, in the long form; what is empty is not looked at.
struct DbusRule {
  std::string name;
  BusMessage type = BusMessage::call;
  std::string interface{};
  std::string member{};                       ///< with '*' at its end: what begins so
  std::string path{};                         ///< with "/*" at its end: that object and all below it
  std::map<std::string, std::string> args{};  ///< "0" to "3": what that argument (a string, path or signature) must be
  std::optional<std::uint32_t> fds{};         ///< descriptors such a message may carry, within those of all rules
};
template <class A>
void fields(A& a, DbusRule& r) {
  a("name", r.name);
  a("type", r.type);
  a("interface", r.interface);
  a("member", r.member);
  a("path", r.path);
  a("args", r.args);
  a("fds", r.fds);
}

/// What a role may do on a bus: the words of xdg-dbus-proxy (`name`, or `name=rule` for call and broadcast), and ours.
struct DbusRules {
  bool all = false;
  std::vector<std::string> see{};
  std::vector<std::string> talk{};
  std::vector<std::string> own{};
  std::vector<std::string> call{};
  std::vector<std::string> broadcast{};
  std::vector<std::string> interface{};  ///< names used through the interfaces called like them, and their properties
  std::vector<DbusRule> rules{};         ///< calls and signals in the long form
  bool write = false;                    ///< properties of those interfaces may be set
  bool introspect = true;                ///< Introspect and Peer on every name that may be called
  bool unique_names = false;             ///< every connection may be seen (--sloppy-names of xdg-dbus-proxy)
  std::uint32_t fds = 16;                ///< descriptors per message, either way
};
template <class A>
void fields(A& a, DbusRules& r) {
  a("all", r.all);
  a("see", r.see);
  a("talk", r.talk);
  a("own", r.own);
  a("call", r.call);
  a("broadcast", r.broadcast);
  a("interface", r.interface);
  a("rules", r.rules);
  a("write", r.write);
  a("introspect", r.introspect);
  a("unique-names", r.unique_names);
  a("fds", r.fds);
}

/// Descriptors the kernel lets one message carry (SCM_MAX_FD, unix(7)).
inline constexpr std::uint32_t most_descriptors = 253;

/// What a role may do with a raw socket.
struct UnixRules {
  std::uint32_t fds = 0;  ///< descriptors per message that may cross, either way; 0 = none (R26)
};
template <class A>
void fields(A& a, UnixRules& r) {
  a("fds", r.fds);
}

/// What a role may do with a vchan; an absent list names everybody.
struct VchanRules {
  std::optional<std::vector<std::uint32_t>> domains;  ///< of consumers
  std::optional<std::vector<std::uint32_t>> ports;
  bool shm = true;  ///< the ends may agree on memory, and what they say then passes nobody
};
template <class A>
void fields(A& a, VchanRules& r) {
  a("domains", r.domains);
  a("ports", r.ports);
  a("shm", r.shm);
}

/// The two ends of a vchan, which are the name of its socket: vchan.SERVER.CLIENT.PORT.sock.
struct VchanEnds {
  std::uint32_t server = 0;  ///< domain of the provider
  std::uint32_t client = 0;  ///< domain of the consumer
  std::uint32_t port = 0;
};
template <class A>
void fields(A& a, VchanEnds& e) {
  a("server", e.server);
  a("client", e.client);
  a("port", e.port);
}

/// What a consumer says of the vchan it asks for.
struct VchanWish {
  std::uint32_t domain = 0;             ///< its own
  std::optional<std::uint32_t> server;  ///< where nobody has declared the service: the provider's domain,
  std::optional<std::uint32_t> port;    ///< and its port
};
template <class A>
void fields(A& a, VchanWish& w) {
  a("domain", w.domain);
  a("server", w.server);
  a("port", w.port);
}

/// The rights of one role, by protocol; an absent member means "this document says nothing about it".
struct RoleRules {
  std::optional<RestRules> rest;
  std::optional<DbusRules> dbus;
  std::optional<WaylandRules> wayland;
  std::optional<UnixRules> raw_unix;
  std::optional<VchanRules> vchan{};
  std::optional<std::uint32_t> uid;  ///< who the role is on a bus of the host: user and group of that number
  std::optional<DeviceRules> device{};
};
template <class A>
void fields(A& a, RoleRules& r) {
  a("rest", r.rest);
  a("dbus", r.dbus);
  a("wayland", r.wayland);
  a("unix", r.raw_unix);
  a("vchan", r.vchan);
  a("uid", r.uid);
  a("device", r.device);
}

/// One service a provider exports (an element of services.json).
struct Offer {
  std::string name;  ///< with `owns` and no name of its own: the owned bus name
  Type type = Type::raw_unix;
  std::string socket;  ///< address inside the provider: "/path", "@name", "tcp:host:port", or a device node
  SocketKind socket_kind = SocketKind::stream;
  std::string bus;                                ///< dbus: the hosted bus that carries it
  std::string owns;                               ///< dbus: the well-known name the provider owns there
  std::string role;                               ///< dbus: the role of the owner; empty = called like the owned name
  std::optional<std::vector<std::string>> allow;  ///< roles that may use it; absent = any
  std::optional<Identity> identity;               ///< unix: how the provider learns who is calling
  std::optional<std::map<std::string, std::string>> sockets;  ///< unix: a socket of its own for some roles
  bool direct = false;  ///< unix, "via": "direct": consumers get the socket itself, and nothing is in between
  std::optional<std::map<std::string, RoleRules>> roles;  ///< what each role may do; absent = no rule of the provider's
  std::optional<std::uint32_t> domain;  ///< vchan: the provider's own, and `socket` is the directory of its sockets
  std::optional<std::uint32_t> port;    ///< vchan
};
template <class A>
void fields(A& a, Offer& o) {
  a("name", o.name);
  a("type", o.type);
  a("socket", o.socket);
  a("socket-type", o.socket_kind);
  a("bus", o.bus);
  a("owns", o.owns);
  a("owner-role", o.role);
  a("allow", o.allow);
  a("identity", o.identity);
  a("sockets", o.sockets);
  a("direct", o.direct);
  a("roles", o.roles);
  a("domain", o.domain);
  a("port", o.port);
}

/// One service a consumer asks for (an element of run.json services.required[] or optional[]).
struct Requirement {
  std::string name;
  bool required = true;
  std::string role = "any";
  std::string type;                             ///< informative: the provider's type decides; a mismatch is noted
  std::string interface;                        ///< as written; of a bus name `dbus` is made
  std::optional<DbusRules> dbus;                ///< on a bus, no more than this
  std::optional<VchanWish> vchan{};             ///< of a vchan: which
  SocketKind socket_kind = SocketKind::stream;  ///< unix: what to listen on while nobody says otherwise
  std::string provider;                         ///< only from this provider; empty = whoever offers it
  std::vector<std::string> targets;             ///< candidates in order (spec 3); empty = "auto"
  std::map<std::string, std::string> env;       ///< variables xc-precreate sets
  bool shared_netns = false;  ///< "shared-netns": an abstract name may be visible to network neighbours
  bool padded = false;        ///< "padded": abstract names fill all of sun_path with zero bytes
  std::string where;          ///< "run.json: /services/required/0", for messages
};
template <class A>
void fields(A& a, Requirement& r) {
  a("name", r.name);
  a("required", r.required);
  a("role", r.role);
  a("type", r.type);
  a("interface", r.interface);
  a("dbus", r.dbus);
  a("vchan", r.vchan);
  a("socket-type", r.socket_kind);
  a("provider", r.provider);
  a("targets", r.targets);
  a("env", r.env);
  a("shared-netns", r.shared_netns);
  a("padded", r.padded);
  a("where", r.where);
}

}  // namespace xc::model
