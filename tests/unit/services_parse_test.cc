// services.json, and what roles may do.
#include <gtest/gtest.h>

#include "base/pack.h"
#include "parse/manifest.h"
#include "parse/validate.h"
#include "parse_error.h"

namespace xc::parse {
namespace {

Result<model::Exports> parse_one(const std::string& members) {
  return parse_services(R"({"services":[{)" + members + "}]}", "services.json");
}
std::string refusal(const std::string& members) {
  return error_of(parse_one(members));
}
/// The same of a REST offer with the given "roles".
std::string role_refusal(const std::string& roles) {
  return refusal(R"("name":"a","type":"rest","socket":"/s","roles":)" + roles);
}
const std::string at = "services.json: /services/0/";

TEST(ParseServices, ReadsAllThatThePredecessorWrites) {
  const auto exports = parse_services(R"({"#spec":"service-manifest-xconnect@1","services":[
      {"name":"modem-api","type":"rest","socket":"/run/modem/http.sock"},
      {"name":"gpu0","type":"drm","socket":"/dev/dri/renderD129"},
      {"name":"panel","type":"wayland","socket":"/run/panel-0"},
      {"type":"dbus","bus":"system-bus","owns":"io.acme.Modem","role":"modem","allow":["dialer","viewer"]}]})",
                                      "services.json");
  ASSERT_TRUE(exports) << error_of(exports);
  ASSERT_EQ(exports->offers.size(), 4U);
  EXPECT_EQ(exports->offers[0].type, model::Type::rest);
  EXPECT_EQ(exports->offers[0].socket, "/run/modem/http.sock");
  EXPECT_FALSE(exports->offers[0].allow);
  EXPECT_FALSE(exports->offers[0].roles);
  EXPECT_EQ(exports->offers[1].type, model::Type::drm);
  EXPECT_EQ(exports->offers[2].type, model::Type::wayland);
  const auto& owner = exports->offers[3];
  EXPECT_EQ(owner.name, "io.acme.Modem");
  EXPECT_EQ(owner.owns, "io.acme.Modem");
  EXPECT_EQ(owner.bus, "system-bus");
  EXPECT_EQ(owner.role, "modem");
  EXPECT_EQ(owner.allow, (std::vector<std::string>{"dialer", "viewer"}));
  EXPECT_TRUE(validate(*exports));
}

TEST(ParseServices, ReadsTheBareListOfOlderManifests) {
  const auto bare = parse_services(R"([{"name":"raw-unix","type":"unix","socket":"@raw"}])", "services.json");
  const auto object =
      parse_services(R"({"services":[{"name":"raw-unix","type":"unix","socket":"@raw"}]})", "services.json");
  ASSERT_TRUE(bare && object);
  EXPECT_EQ(pack(*bare), pack(*object));
}

TEST(ParseServices, KeepsOutAnOfferOfUnknownTypeAndNothingElse) {
  const auto exports = parse_services(
      R"([{"name":"t","type":"tcp","port":80},{"name":"a","type":"rest","socket":"/s"}])", "services.json");
  ASSERT_TRUE(exports) << error_of(exports);
  ASSERT_EQ(exports->offers.size(), 1U);
  EXPECT_EQ(exports->offers[0].name, "a");
  EXPECT_EQ(exports->warnings,
            std::vector<std::string>{"services.json: /0/type: left out: the type \"tcp\" is not known; known are unix, "
                                     "rest, dbus, wayland, drm, input, char and vchan"});
  EXPECT_TRUE(validate(*exports));
}

TEST(ParseServices, KindsOfSocketBelongToUnix) {
  const auto exports = parse_one(R"("name":"a","type":"unix","socket":"/s","socket-type":"seqpacket")");
  ASSERT_TRUE(exports);
  EXPECT_EQ(exports->offers[0].socket_kind, model::SocketKind::seqpacket);
  EXPECT_EQ(refusal(R"("name":"a","type":"rest","socket":"/s","socket-type":"stream")"), "");
  EXPECT_EQ(refusal(R"("name":"a","type":"rest","socket":"/s","socket-type":"dgram")"),
            at + "socket-type: only services of type unix have another kind of socket than \"stream\"");
  EXPECT_EQ(
      refusal(R"("name":"a","type":"unix","socket":"/s","identity":"json")"),
      at + "identity: expected \"none\", \"json-line\", \"proxy-v2\" or \"credentials\", found a string (\"json\")");
  EXPECT_EQ(refusal(R"("name":"a","type":"dbus","socket":"/s","sockets":{})"),
            at + "sockets: only services of type unix are told by it who calls");
  EXPECT_EQ(refusal(R"("name":"a","type":"unix","socket":"/s","socket-type":"raw")"),
            at + "socket-type: expected \"stream\", \"seqpacket\" or \"dgram\", found a string (\"raw\")");
}

TEST(ParseServices, RefusesWrongValues) {
  const struct {
    const char* text;
    const char* error;
  } rows[] = {
      {"1", "services.json: expected an object with \"services\", or a list, found a number (1)"},
      {"{}", "services.json: has no \"services\", which it must have"},
      {R"({"services":{}})", "services.json: /services: expected a list of services, found an empty object"},
      {"[1]", "services.json: /0: expected an object, found a number (1)"},
      {"[{}]", "services.json: /0: has no \"type\", which it must have"},
      {R"([{"type":1}])",
       "services.json: /0/type: expected a string without control characters that is not empty, found a number (1)"},
      {R"([{"type":"rest"}])", "services.json: /0: has no \"name\", which it must have"},
      {R"([{"type":"rest","name":"a"}])", "services.json: /0: has no \"socket\", which it must have"},
      {R"([{"type":"rest","name":"a","socket":""}])",
       "services.json: /0/socket: expected a string without control characters that is not empty, found a string "
       "(\"\")"},
      {R"([{"type":"unix","owns":"a.b","name":"x","socket":"/s"}])",
       "services.json: /0/owns: only services of type dbus own a bus name"},
      {R"([{"type":"dbus","owns":"modem"}])",
       "services.json: /0/owns: expected a well-known bus name such as \"org.example.Name\", found a string "
       "(\"modem\")"},
      {R"([{"type":"rest","name":"a","socket":"/s","allow":"*"}])",
       "services.json: /0/allow: expected a list of roles, found a string (\"*\")"},
      {R"([{"type":"rest","name":"a","socket":"/s","roles":[]}])",
       "services.json: /0/roles: expected an object of roles, found an empty list"},
  };
  for (const auto& [text, error] : rows) EXPECT_EQ(error_of(parse_services(text, "services.json")), error);
}

TEST(ParseServices, CountsOffers) {
  const auto list = [](int count) {
    std::string out;
    for (int i = 0; i < count; ++i)
      out += (i == 0 ? "" : ",") + std::string(R"({"name":"a","type":"rest","socket":"/s"})");
    return "[" + out + "]";
  };
  EXPECT_EQ(error_of(parse_services(list(64), "services.json")), "");
  EXPECT_EQ(error_of(parse_services(list(65), "services.json")),
            "services.json: holds 65 services, more than the 64 allowed");
}

TEST(ParseServices, AnEmptyAllowGrantsNobody) {
  const auto exports = parse_one(R"("name":"a","type":"rest","socket":"/s","allow":[])");
  ASSERT_TRUE(exports);
  ASSERT_TRUE(exports->offers[0].allow);
  EXPECT_TRUE(exports->offers[0].allow->empty());
}

TEST(ParseServices, ToleratesTheObjectFormOfAllowAndGrantsOnlyWhatIsNotRefined) {
  const auto object = parse_one(R"("type":"dbus","owns":"io.acme.Modem","allow":{"viewer":{},
      "dialer":{"interfaces":["io.acme.Modem.Voice"]}})");
  ASSERT_TRUE(object) << error_of(object);
  EXPECT_EQ(object->offers[0].allow, std::vector<std::string>{"viewer"});
  EXPECT_EQ(object->warnings,
            std::vector<std::string>{at + "allow/dialer: not granted: the role dialer is refined by \"interfaces\", "
                                          "which belongs into \"roles\" here"});
  const auto list =
      parse_one(R"("type":"dbus","owns":"io.acme.Modem","allow":["viewer",{"role":"dialer","members":["Dial"]}])");
  ASSERT_TRUE(list) << error_of(list);
  EXPECT_EQ(list->offers[0].allow, std::vector<std::string>{"viewer"});
  EXPECT_EQ(list->warnings.size(), 1U);
}

TEST(ParseRoles, ReadsTheVocabulary) {
  const auto exports = parse_one(R"("name":"a","type":"rest","socket":"/s","roles":{
      "viewer":{"rest":[{"methods":["GET","HEAD"],"paths":["/v1/**"]}],
                "dbus":{"talk":["org.freedesktop.NetworkManager"],"see":["org.acme.*"],
                        "call":["org.freedesktop.NetworkManager=org.freedesktop.DBus.Properties.Get*@/*"]},
                "wayland":"ui","unix":{"fds":0}},
      "admin":{"rest":"all","dbus":"all","wayland":"shell","unix":{"fds":253},"uid":90001},
      "plain":{"rest":{"rules":"all"}},"up":{"rest":{"rules":[],"upgrade":true}}})");
  ASSERT_TRUE(exports) << error_of(exports);
  const auto& roles = *exports->offers[0].roles;
  const auto& viewer = roles.at("viewer");
  EXPECT_FALSE(viewer.rest->all);
  EXPECT_FALSE(viewer.rest->upgrade);
  EXPECT_EQ(viewer.rest->rules[0].methods, (std::vector<std::string>{"GET", "HEAD"}));
  EXPECT_EQ(viewer.rest->rules[0].paths, std::vector<std::string>{"/v1/**"});
  EXPECT_EQ(viewer.dbus->talk.size() + viewer.dbus->see.size() + viewer.dbus->call.size(), 3U);
  EXPECT_EQ(viewer.wayland->roles, std::vector<std::string>{"ui"});
  EXPECT_EQ(viewer.raw_unix->fds, 0U);
  const auto& admin = roles.at("admin");
  EXPECT_TRUE(admin.rest->all && admin.rest->upgrade && admin.rest->rules.empty());
  EXPECT_TRUE(admin.dbus->all);
  EXPECT_EQ(admin.raw_unix->fds, 253U);
  EXPECT_TRUE(roles.at("plain").rest->all && !roles.at("plain").rest->upgrade);
  EXPECT_TRUE(!roles.at("up").rest->all && roles.at("up").rest->upgrade && roles.at("up").rest->rules.empty());
  EXPECT_TRUE(validate(*exports));
}

TEST(ParseRoles, ReadsABusInTheLongForm) {
  const auto exports = parse_one(R"("name":"a","type":"dbus","socket":"/s","roles":{"v":{"uid":90001,"dbus":{
      "interface":["org.acme.*"],"write":true,"introspect":false,"unique-names":true,"fds":3,
      "rules":[{"name":"org.acme.A","type":"signal","interface":"org.acme.I","member":"Ch*","path":"/o/*",
                "args":{"0":"x","3":""},"fds":1},{"name":"org.acme.B"}]}}})");
  ASSERT_TRUE(exports) << error_of(exports);
  const auto& role = exports->offers[0].roles->at("v");
  EXPECT_EQ(role.uid, 90001U);
  const auto& dbus = *role.dbus;
  EXPECT_EQ(dbus.interface, std::vector<std::string>{"org.acme.*"});
  EXPECT_TRUE(dbus.write && !dbus.introspect && dbus.unique_names && dbus.fds == 3);
  ASSERT_EQ(dbus.rules.size(), 2U);
  const auto& rule = dbus.rules[0];
  EXPECT_EQ(rule.type, model::BusMessage::signal);
  EXPECT_EQ(rule.name + rule.interface + rule.member + rule.path, "org.acme.Aorg.acme.ICh*/o/*");
  EXPECT_EQ(rule.args, (std::map<std::string, std::string>{{"0", "x"}, {"3", ""}}));
  EXPECT_EQ(rule.fds, 1U);
  EXPECT_EQ(dbus.rules[1].type, model::BusMessage::call);
  EXPECT_FALSE(dbus.rules[1].fds);
  EXPECT_TRUE(validate(*exports));
}

TEST(ParseRoles, RefusesAnUnknownWordInsteadOfGrantingMore) {
  const std::string tail = "is not known here, and ignoring it could grant too much; known are ";
  EXPECT_EQ(
      role_refusal(R"({"v":{"rset":[]}})"),
      at + "roles/v/rset: " + tail + "\"rest\", \"dbus\", \"wayland\", \"unix\", \"vchan\", \"uid\" and \"device\"");
  EXPECT_EQ(role_refusal(R"({"v":{"rest":[{"methods":["GET"],"paths":["/"],"query":"x"}]}})"),
            at + "roles/v/rest/0/query: " + tail + "\"methods\" and \"paths\"");
  EXPECT_EQ(role_refusal(R"({"v":{"rest":{"rules":[],"updgrade":true}}})"),
            at + "roles/v/rest/updgrade: " + tail + "\"rules\", \"upgrade\", \"body\", \"wait\" and \"protocol\"");
  EXPECT_EQ(role_refusal(R"({"v":{"dbus":{"deny":[]}}})"),
            at + "roles/v/dbus/deny: " + tail +
                "\"see\", \"talk\", \"own\", \"call\", \"broadcast\", "
                "\"interface\", \"rules\", \"write\", \"introspect\", \"unique-names\" and \"fds\"");
  EXPECT_EQ(role_refusal(R"({"v":{"unix":{"fds":1,"creds":1}}})"), at + "roles/v/unix/creds: " + tail + "\"fds\"");
  EXPECT_EQ(role_refusal(R"({"v":{"#why":"remarks may stand anywhere"},"#":1})"), "");
}

TEST(ParseRoles, RefusesWrongValues) {
  const struct {
    const char* roles;
    const char* error;
  } rows[] = {
      {R"({"a b":{}})",
       "/a b: a role's name must be a name of at most 64 letters, digits, '_', '.' or '-' that does not "
       "begin with '.' or '-'"},
      {R"({"v":"all"})",
       "/v: expected an object of protocols (\"rest\", \"dbus\", \"wayland\", \"unix\", \"vchan\"), found a string "
       "(\"all\")"},
      {R"({"v":{"rest":"none"}})",
       "/v/rest: expected \"all\", a list of rules, or an object with \"rules\", found a string (\"none\")"},
      {R"({"v":{"rest":{}}})", "/v/rest: has no \"rules\", which it must have"},
      {R"({"v":{"rest":{"rules":1}}})", "/v/rest/rules: expected \"all\" or a list of rules, found a number (1)"},
      {R"({"v":{"rest":["GET"]}})",
       "/v/rest/0: expected an object with \"methods\" and \"paths\", found a string (\"GET\")"},
      {R"({"v":{"rest":[{"methods":["GET"]}]}})", "/v/rest/0: has no \"paths\", which it must have"},
      {R"({"v":{"rest":[{"methods":[],"paths":["/"]}]}})",
       "/v/rest/0/methods: expected a list of at least 1 string, found an empty list"},
      {R"({"v":{"rest":[{"methods":["get"],"paths":["/"]}]}})",
       "/v/rest/0/methods/0: expected an HTTP method in capitals, or \"*\", found a string (\"get\")"},
      {R"({"v":{"rest":[{"methods":["GET"],"paths":["v1"]}]}})",
       "/v/rest/0/paths/0: expected a path pattern that begins with '/' and holds no blank, '?' or '#', found a string "
       "(\"v1\")"},
      {R"({"v":{"dbus":[]}})",
       "/v/dbus: expected \"all\" or an object such as {\"talk\": [\"org.example.Name\"]}, found an empty list"},
      {R"({"v":{"dbus":{"rules":[{"member":"X"}]}}})", "/v/dbus/rules/0: has no \"name\", which it must have"},
      {R"({"v":{"dbus":{"rules":[{"name":"a.b","path":""}]}}})",
       "/v/dbus/rules/0/path: expected an object path, or one with \"/*\" behind it, found a string (\"\")"},
      {R"({"v":{"dbus":{"rules":[{"name":"a.b","interface":"c"}]}}})",
       "/v/dbus/rules/0/interface: expected an interface such as \"org.example.Interface\", found a string (\"c\")"},
      {R"({"v":{"dbus":{"rules":[{"name":"a.b","type":"reply"}]}}})",
       "/v/dbus/rules/0/type: expected \"call\" or \"signal\", found a string (\"reply\")"},
      {R"({"v":{"dbus":{"rules":[{"name":"a.b","args":{"4":"x"}}]}}})",
       "/v/dbus/rules/0/args/4: the number of an argument must be 0, 1, 2 or 3"},
      {R"({"v":{"dbus":{"rules":[{"name":"a.b","fds":254}]}}})",
       "/v/dbus/rules/0/fds: expected a whole number from 0 to 253, found a number (254)"},
      {R"({"v":{"dbus":{"write":1}}})", "/v/dbus/write: expected true or false, found a number (1)"},
      {R"({"v":{"uid":4294967295}})",
       "/v/uid: expected a whole number from 0 to 4294967294, found a number (4294967295)"},
      {R"({"v":{"dbus":{"talk":["nodot"]}}})",
       "/v/dbus/talk/0: expected a bus name, or one with \".*\" behind it, found a string (\"nodot\")"},
      {R"({"v":{"dbus":{"call":["a.b"]}}})",
       "/v/dbus/call/0: expected a rule such as \"org.example.Name=org.example.Interface.Method@/path\", found a "
       "string "
       "(\"a.b\")"},
      {R"({"v":{"wayland":1}})",
       "/v/wayland: expected the name of a role, a list of them, or an object with \"roles\", \"add\" or \"remove\", "
       "found a number (1)"},
      {R"({"v":{"wayland":"uii"}})",
       "/v/wayland: expected a Wayland role: base, ui, gpu, game, shell, capture, input or admin, found a string "
       "(\"uii\")"},
      {R"({"v":{"wayland":{"title":{}}}})", "/v/wayland/title: says either \"prefix\" or \"pin\""},
      {R"({"v":{"wayland":{"add":["wl-seat"]}}})",
       "/v/wayland/add/0: expected the name of a Wayland interface such as \"xdg_wm_base\", found a string "
       "(\"wl-seat\")"},
      {R"({"v":{"unix":"all"}})", "/v/unix: expected an object with \"fds\", found a string (\"all\")"},
      {R"({"v":{"unix":{}}})", "/v/unix: has no \"fds\", which it must have"},
      {R"({"v":{"unix":{"fds":254}}})", "/v/unix/fds: expected a whole number from 0 to 253, found a number (254)"},
      {R"({"v":{"unix":{"fds":-1}}})", "/v/unix/fds: expected a whole number from 0 to 253, found a number (-1)"},
      {R"({"v":{"unix":{"fds":1.0}}})", "/v/unix/fds: expected a whole number from 0 to 253, found a number (1.0)"},
  };
  for (const auto& [roles, error] : rows) EXPECT_EQ(role_refusal(roles), at + "roles" + error);
}

}  // namespace
}  // namespace xc::parse
