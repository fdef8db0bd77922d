// services.json.
#include "base/text.h"
#include "parse/field.h"
#include "parse/manifest.h"
#include "parse/manifest_view.h"
#include "parse/roles.h"

namespace xc::parse {
namespace {

constexpr std::string_view default_bus = "system-bus";
constexpr std::string_view vchan_directory = "/var/run/vchan";  // where libvchan-socket has its sockets

std::string known_types() {
  std::vector<std::string> names;
  for (std::uint8_t i = 0; i < static_cast<std::uint8_t>(model::Type::count_); ++i)
    names.emplace_back(model::name_of(static_cast<model::Type>(i)));
  return listed(names);
}

/// One role of the object forms of "allow": {"role": {...}} or [{"role": "...", ...}]. Members that refine the grant by
/// interface, member or path would be ignored by us; granting the role without them would grant more than was meant.
Result<> read_refined(View view, const std::string& role, std::vector<std::string>& allow,
                      std::vector<std::string>& warnings) {
  for (const View& member : view.children()) {
    if (member.name() == "role" || member.name().starts_with('#')) continue;
    warnings.push_back(view.where() + ": not granted: the role " + role + " is refined by \"" +
                       text::printable(member.name(), 64) + "\", which belongs into \"roles\" here");
    return {};
  }
  allow.push_back(role);
  return {};
}

Result<std::vector<std::string>> read_allow(View view, std::vector<std::string>& warnings) {
  std::vector<std::string> allow;
  if (!view.is(Form::object) && !view.is(Form::list)) return view.expected("a list of roles");
  const std::vector<View> elements =
      XC_TRY(view.is(Form::list) ? read_list(view, "roles", most_services) : read_object(view, "roles", most_services));
  for (const View& element : elements) {
    if (view.is(Form::object)) {
      if (!word::role.fits(element.name()))
        return element.fail("a role's name must be " + std::string(word::role.looks));
      if (!element.is(Form::object)) return element.expected("an object");
      XC_CHECK(read_refined(element, element.name(), allow, warnings));
    } else if (element.is(Form::object)) {
      const std::string role = XC_TRY(read_key(element, "role", word::role));
      XC_CHECK(read_refined(element, role, allow, warnings));
    } else {
      allow.push_back(XC_TRY(read_word(element, word::role)));
    }
  }
  return allow;
}

Result<model::SocketKind> read_socket_kind(View view, model::Type type) {
  const auto kind = view.is(Form::string) ? model::socket_kind_of(view.text()) : std::nullopt;
  if (!kind) return view.expected("\"stream\", \"seqpacket\" or \"dgram\"");
  if (*kind != model::SocketKind::stream && type != model::Type::raw_unix)
    return view.fail("only services of type unix have another kind of socket than \"stream\"");
  return *kind;
}

/// How a raw service is told who calls: "identity", and "sockets" with one for each of some roles.
Result<> read_identity(View view, model::Offer& offer) {
  const auto identity = view.find("identity");
  const auto sockets = view.find("sockets");
  for (const auto& member : {identity, sockets})
    if (member && offer.type != model::Type::raw_unix)
      return member->fail("only services of type unix are told by it who calls");
  if (identity) {
    for (std::uint8_t i = 0; i < static_cast<std::uint8_t>(model::Identity::count_); ++i)
      if (identity->is(Form::string) && identity->text() == name_of(static_cast<model::Identity>(i)))
        offer.identity = static_cast<model::Identity>(i);
    const bool none = identity->is(Form::string) && identity->text() == "none";
    if (!none && !offer.identity) return identity->expected(R"("none", "json-line", "proxy-v2" or "credentials")");
  }
  if (!sockets) return {};
  offer.sockets.emplace();
  for (const View& socket : XC_TRY(read_object(*sockets, "an object of roles", most_services))) {
    if (!word::name.fits(socket.name())) return socket.fail("a role's name must be " + std::string(word::name.looks));
    (*offer.sockets)[socket.name()] = XC_TRY(read_word(socket, word::plain));
  }
  return {};
}

/// "via": whether consumers get the socket itself. Who wants to be told who calls needs somebody in between.
Result<> read_via(View view, View via, model::Offer& offer) {
  const bool known = via.is(Form::string) && (via.text() == "direct" || via.text() == "mediator");
  if (!known) return via.expected(R"("direct" or "mediator")");
  offer.direct = via.text() == "direct";
  if (!offer.direct) return {};
  if (offer.type != model::Type::raw_unix) return via.fail("only services of type unix can be had directly");
  if (offer.identity) return view.fail("\"identity\" and \"via\": \"direct\" exclude each other");
  if (offer.socket.starts_with('@')) return via.fail("an abstract name cannot be had directly; use a path");
  return {};
}

/// The members of an offer that owns a name on a bus.
Result<> read_owner(View view, View owns, model::Offer& offer) {
  if (offer.type != model::Type::dbus) return owns.fail("only services of type dbus own a bus name");
  offer.owns = XC_TRY(read_word(owns, word::bus_name));
  offer.bus = default_bus;
  XC_CHECK(read_key_if(view, "bus", word::name, offer.bus));
  XC_CHECK(read_key_if(view, "role", word::name, offer.role));
  if (offer.name.empty()) offer.name = offer.owns;
  return {};
}

/// Of a vchan the domain and the port make the name of the socket; "socket" is the directory.
Result<> read_vchan_offer(View view, model::Offer& offer) {
  const View domain = XC_TRY(read_member(view, "domain"));
  const View port = XC_TRY(read_member(view, "port"));
  offer.domain = XC_TRY(read_vchan_number(domain));
  offer.port = XC_TRY(read_vchan_number(port));
  offer.socket = vchan_directory;
  return {};
}

Result<model::Offer> read_offer(View view, model::Type type, std::vector<std::string>& warnings) {
  model::Offer offer;
  offer.type = type;
  const auto owns = view.find("owns");
  if (!owns || view.find("name")) offer.name = XC_TRY(read_key(view, "name", word::name));
  if (type == model::Type::vchan) XC_CHECK(read_vchan_offer(view, offer));
  if ((!owns && type != model::Type::vchan) || view.find("socket"))
    offer.socket = XC_TRY(read_key(view, "socket", word::plain));
  if (owns) XC_CHECK(read_owner(view, *owns, offer));
  if (const auto kind = view.find("socket-type")) offer.socket_kind = XC_TRY(read_socket_kind(*kind, type));
  XC_CHECK(read_identity(view, offer));
  if (const auto via = view.find("via")) XC_CHECK(read_via(view, *via, offer));
  if (const auto allow = view.find("allow")) offer.allow = XC_TRY(read_allow(*allow, warnings));
  if (const auto roles = view.find("roles")) offer.roles = XC_TRY(read_roles(*roles, word::role, warnings));
  warn_of_misspelt(
      view, {"name", "type", "socket", "socket-type", "via", "owns", "bus", "role", "allow", "roles", "domain", "port"},
      warnings);
  return offer;
}

}  // namespace

Result<model::Exports> parse_services(std::string_view text, std::string_view file) {
  const Document document = XC_TRY(Document::parse(text, file, manifest_limits));
  return read_services(document.root());
}

Result<model::Exports> read_services(View root) {
  if (!root.is(Form::object) && !root.is(Form::list)) return root.expected("an object with \"services\", or a list");
  XC_CHECK(check_spec(root, "services"));
  const View list = root.is(Form::list) ? root : XC_TRY(read_member(root, "services"));
  model::Exports exports;
  const std::vector<View> elements = XC_TRY(read_list(list, "services", most_services));
  for (const View& element : elements) {
    const View kind = XC_TRY(read_member(element, "type"));
    const auto type = model::type_of(XC_TRY(read_word(kind, word::plain)));
    if (type) {
      exports.offers.push_back(XC_TRY(read_offer(element, *type, exports.warnings)));
    } else {
      exports.warnings.push_back(kind.where() + ": left out: the type \"" + text::printable(kind.text(), 40) +
                                 "\" is not known; known are " + known_types());
    }
  }
  return exports;
}

}  // namespace xc::parse
