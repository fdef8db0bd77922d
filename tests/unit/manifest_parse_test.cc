// run.json, args.json and annotations.
#include "parse/manifest.h"

#include <gtest/gtest.h>

#include "base/pack.h"
#include "parse/validate.h"
#include "parse_error.h"

namespace xc::parse {
namespace {

/// A run.json whose one requirement has the given members.
Result<model::Manifest> parse_one(const std::string& members) {
  return parse_run(R"({"services":{"required":[{)" + members + "}]}}", "run.json");
}
std::string refusal(const std::string& members) {
  return error_of(parse_one(members));
}

constexpr const char* a_name =
    "expected a name of at most 64 letters, digits, '_', '.' or '-' that does not begin with '.' or '-', found ";
constexpr const char* a_text = "expected a string without control characters that is not empty, found ";

TEST(ParseRun, ReadsAManifestOfThePredecessor) {
  const auto run =
      parse_run(R"({"#spec":"service-manifest-run@1","name":"dialer-ui","type":"lxc","config":"lxc.container.conf",
      "root-volume":"root.squashfs","volumes":[],"storage":{"docker--etc":{"persistence":"boot"}},"roles":["mgmt"],
      "services":{"required":[{"name":"modem-api","role":"dialer","interface":"rest","target":"/run/svc/modem.sock"}],
                  "optional":[{"name":"panel","type":"wayland","target":"/run/wayland-0"}]}})",
                "run.json");
  ASSERT_TRUE(run) << error_of(run);
  EXPECT_EQ(run->name, "dialer-ui");
  ASSERT_EQ(run->requirements.size(), 2U);
  const auto& first = run->requirements[0];
  EXPECT_EQ(first.name, "modem-api");
  EXPECT_TRUE(first.required);
  EXPECT_EQ(first.role, "dialer");
  EXPECT_EQ(first.interface, "rest");
  EXPECT_EQ(first.targets, std::vector<std::string>{"/run/svc/modem.sock"});
  EXPECT_EQ(first.where, "run.json: /services/required/0");
  const auto& second = run->requirements[1];
  EXPECT_FALSE(second.required);
  EXPECT_EQ(second.role, "any");
  EXPECT_EQ(second.type, "wayland");
  EXPECT_EQ(second.where, "run.json: /services/optional/0");
  EXPECT_TRUE(validate(*run));
}

TEST(ParseRun, AnInterfaceThatIsABusNameRestrictsTheLinkToIt) {
  const auto plain = parse_one(R"("name":"system-bus","interface":"org.freedesktop.NetworkManager")");
  ASSERT_TRUE(plain) << error_of(plain);
  EXPECT_EQ(plain->requirements[0].dbus->interface, std::vector<std::string>{"org.freedesktop.NetworkManager"});
  EXPECT_FALSE(parse_one(R"("name":"a","interface":"rest")")->requirements[0].dbus);
  const auto longer =
      parse_one(R"("name":"system-bus","interface":"org.acme.*","dbus":{"own":["org.acme.Me"],"talk":["org.b.C"]})");
  ASSERT_TRUE(longer) << error_of(longer);
  const auto& asks = *longer->requirements[0].dbus;
  EXPECT_EQ(asks.interface.front() + asks.own.front() + asks.talk.front(), "org.acme.*org.acme.Meorg.b.C");
  EXPECT_TRUE(validate(*longer));
}

TEST(ParseRun, AContainerMayAskForNothing) {
  for (const char* text : {"{}", R"({"services":{}})", R"({"services":{"required":[],"optional":[]}})"}) {
    const auto run = parse_run(text, "run.json");
    ASSERT_TRUE(run) << error_of(run);
    EXPECT_TRUE(run->requirements.empty());
  }
}

TEST(ParseRun, ReadsOurAdditions) {
  const auto run = parse_one(R"("name":"panel","provider":"@host","target":["/run/w","@w","auto"],
                               "env":{"WAYLAND_DISPLAY":"/run/w"},"shared-netns":true)");
  ASSERT_TRUE(run) << error_of(run);
  const auto& wanted = run->requirements[0];
  EXPECT_EQ(wanted.provider, "@host");
  EXPECT_EQ(wanted.targets, (std::vector<std::string>{"/run/w", "@w", "auto"}));
  EXPECT_EQ(wanted.env.at("WAYLAND_DISPLAY"), "/run/w");
  EXPECT_TRUE(wanted.shared_netns);
  EXPECT_TRUE(validate(*run));
}

// MAN-15
TEST(ParseRun, UnknownMembersChangeNothing) {
  const auto plain = parse_one(R"("name":"a")");
  const auto noisy = parse_run(R"({"env":{"LD_PRELOAD":"/x.so"},"hookpath":"/x","allow":"*","services":{"extra":1,
      "required":[{"name":"a","hookpath":"/x","allow":"*","LD_PRELOAD":"/x.so"}]}})",
                               "run.json");
  ASSERT_TRUE(plain && noisy) << error_of(noisy);
  EXPECT_EQ(pack(*plain), pack(*noisy));
}

TEST(ParseRun, RefusesAWrongShapeAndNamesThePlace) {
  const struct {
    const char* text;
    const char* error;
  } rows[] = {
      {"[]", "run.json: expected an object with \"services\", found an empty list"},
      {R"({"name":1})",
       "run.json: /name: expected a string without control characters that is not empty, found a "
       "number (1)"},
      {R"({"services":[]})",
       "run.json: /services: expected an object with \"required\" and \"optional\", found an empty "
       "list"},
      {R"({"services":{"required":{}}})",
       "run.json: /services/required: expected a list of requirements, found an empty object"},
      {R"({"services":{"optional":["a"]}})",
       "run.json: /services/optional/0: expected an object, found a string (\"a\")"},
      {R"({"services":{"required":[{}]}})", "run.json: /services/required/0: has no \"name\", which it must have"},
  };
  for (const auto& [text, error] : rows) EXPECT_EQ(error_of(parse_run(text, "run.json")), error);
}

TEST(ParseRun, RefusesKnownKeysOfAWrongType) {
  const std::string at = "run.json: /services/required/0/";
  const struct {
    std::string members;
    std::string error;
  } rows[] = {
      {R"("name":3)", at + "name: " + a_name + "a number (3)"},
      {R"("name":null)", at + "name: " + a_name + "null"},
      {R"("name":"a b")", at + "name: " + a_name + "a string (\"a b\")"},
      {R"("name":"a","role":["x"])", at + "role: " + a_name + "a list"},
      {R"("name":"a","role":"")", at + "role: " + a_name + "a string (\"\")"},
      {R"("name":"a","type":7)", at + "type: " + a_name + "a number (7)"},
      {R"("name":"a","interface":{})", at + "interface: " + a_text + "an empty object"},
      {R"("name":"a","dbus":{"tlak":[]})",
       at + "dbus/tlak: is not known here, and ignoring it could grant too much; known are \"see\", \"talk\", \"own\", "
            "\"call\", \"broadcast\", \"interface\", \"rules\", \"write\", \"introspect\", \"unique-names\" and "
            "\"fds\""},
      {R"("name":"a","provider":"@net")",
       at + "provider: expected the name of a container, or \"@host\", found a string (\"@net\")"},
      {R"("name":"a","target":3)", at + "target: expected a string or a list of strings, found a number (3)"},
      {R"("name":"a","target":"")", at + "target: " + a_text + "a string (\"\")"},
      {R"("name":"a","target":[])", at + "target: expected a list of at least 1 string, found an empty list"},
      {R"("name":"a","target":["/x",4])", at + "target/1: " + a_text + "a number (4)"},
      {R"("name":"a","target":["/x","/x"])", at + "target/1: \"/x\" stands there twice"},
      {R"("name":"a","target":"/run/a\nb")", at + "target: " + a_text + "a string (\"/run/a\\x0ab\")"},
      {R"("name":"a","shared-netns":"yes")", at + "shared-netns: expected true or false, found a string (\"yes\")"},
      {R"("name":"a","env":[])", at + "env: expected an object of variables, found an empty list"},
      {R"("name":"a","env":{"A":1})", at + "env/A: " + a_text + "a number (1)"},
      {R"("name":"a","env":{"LD_PRELOAD":"/x"})",
       at + "env/LD_PRELOAD: expected the name of a variable that does not steer how programs are found or loaded"},
  };
  for (const auto& [members, error] : rows) EXPECT_EQ(refusal(members), error);
}

// MAN-14
TEST(ParseRun, RefusesControlCharactersInNamesAndKeepsItsOwnSentencePlain) {
  for (const std::string bad : {"\\u001b[2J", "a\\r\\nfake line", "a\\u007f", "\\u202eevil", "a\\n"}) {
    for (const std::string key : {R"("name":")", R"("name":"a","role":")"}) {
      const std::string found = refusal(key + bad + "\"");
      EXPECT_NE(found, "");
      for (const char c : found) EXPECT_TRUE(c >= 0x20 && c < 0x7f) << found;
    }
  }
  EXPECT_NE(refusal(R"("name":"a","target":"/run/\u0085")"), "");
  EXPECT_EQ(refusal(R"("name":"a","target":"/run/gr\u00fc\u00df")"), "");
}

TEST(ParseRun, CountsRequirementsOverBothLists) {
  const auto text = [](int required, int optional) {
    const auto list = [](int count) {
      std::string out;
      for (int i = 0; i < count; ++i)
        out += (i == 0 ? "" : ",") + std::string(R"({"name":"s)") + std::to_string(i) + "\"}";
      return "[" + out + "]";
    };
    return R"({"services":{"required":)" + list(required) + R"(,"optional":)" + list(optional) + "}}";
  };
  EXPECT_EQ(error_of(parse_run(text(64, 0), "run.json")), "");
  EXPECT_EQ(error_of(parse_run(text(32, 32), "run.json")), "");
  EXPECT_EQ(error_of(parse_run(text(65, 0), "run.json")),
            "run.json: /services/required: holds 65 requirements, more than the 64 allowed");
  EXPECT_EQ(error_of(parse_run(text(32, 33), "run.json")),
            "run.json: /services/optional: more than the 64 requirements allowed");
}

TEST(ParseRun, CountsTargets) {
  const auto targets = [](int count) {
    std::string out = R"("name":"a","target":[)";
    for (int i = 0; i < count; ++i) out += (i == 0 ? "\"/" : ",\"/") + std::to_string(i) + "\"";
    return out + "]";
  };
  EXPECT_EQ(refusal(targets(16)), "");
  EXPECT_EQ(refusal(targets(17)), "run.json: /services/required/0/target: holds 17 strings, more than the 16 allowed");
}

TEST(ParseRun, NamesEndAt64Bytes) {
  EXPECT_EQ(refusal(R"("name":")" + std::string(64, 'a') + "\""), "");
  EXPECT_NE(refusal(R"("name":")" + std::string(65, 'a') + "\""), "");
}

TEST(ParseRun, ToleratesRequirementsByBusName) {
  const auto run = parse_one(R"("type":"dbus","names":["io.acme.Modem"],"role":"dialer","activation":"on-owner")");
  ASSERT_TRUE(run) << error_of(run);
  EXPECT_TRUE(run->requirements.empty());
  EXPECT_EQ(run->warnings, std::vector<std::string>{"run.json: /services/required/0: left out: asks for bus names, "
                                                    "which only a hosted bus can give"});
  EXPECT_TRUE(validate(*run));
}

TEST(ParseArgs, ReadsBothLists) {
  const auto args = parse_args(R"({"PV_SERVICES_REQUIRED":[{"name":"modem-api","role":"dialer","target":"/run/m"}],
      "PV_SERVICES_OPTIONAL":[{"name":"gpu0","target":"/dev/dri/renderD128"}],"PV_RESTART_POLICY":"container"})",
                               "args.json");
  ASSERT_TRUE(args) << error_of(args);
  ASSERT_EQ(args->requirements.size(), 2U);
  EXPECT_TRUE(args->requirements[0].required);
  EXPECT_EQ(args->requirements[1].where, "args.json: /PV_SERVICES_OPTIONAL/0");
  EXPECT_EQ(error_of(parse_args(R"({"PV_SERVICES_REQUIRED":"modem-api"})", "args.json")),
            "args.json: /PV_SERVICES_REQUIRED: expected a list of requirements, found a string (\"modem-api\")");
}

TEST(ParseAnnotations, ReadsTheQuickForm) {
  const auto found = parse_annotations({{"io.xconnect.require.modem-api", "/run/m.sock;role=dialer;provider=modem"},
                                        {"io.xconnect.require.panel", "auto;optional"},
                                        {"io.xconnect.run", "/etc/run.json"},
                                        {"io.xconnect.services", "/etc/services.json"},
                                        {"org.example.other", "\n"}});
  ASSERT_TRUE(found) << error_of(found);
  ASSERT_EQ(found->manifest.requirements.size(), 2U);
  const auto& modem = found->manifest.requirements[0];
  EXPECT_EQ(modem.name, "modem-api");
  EXPECT_EQ(modem.role, "dialer");
  EXPECT_EQ(modem.provider, "modem");
  EXPECT_TRUE(modem.required);
  EXPECT_EQ(modem.targets, std::vector<std::string>{"/run/m.sock"});
  EXPECT_EQ(modem.where, "annotation io.xconnect.require.modem-api");
  EXPECT_FALSE(found->manifest.requirements[1].required);
  EXPECT_EQ(found->run, "/etc/run.json");
  EXPECT_EQ(found->services, "/etc/services.json");
  EXPECT_TRUE(found->manifest.warnings.empty());
}

TEST(ParseAnnotations, RefusesWhatItDoesNotUnderstand) {
  const struct {
    const char* key;
    const char* value;
    const char* error;
  } rows[] = {
      {"io.xconnect.require.a", "/x;rol=b",
       "annotation io.xconnect.require.a: \"rol=b\" is not known; known are role=, provider= and optional"},
      {"io.xconnect.require.a", "/x;role=b;provider=c;role=d",
       "annotation io.xconnect.require.a: \"role\" stands there twice"},
      {"io.xconnect.require.a", "/x;optional;optional",
       "annotation io.xconnect.require.a: \"optional\" stands there twice"},
      {"io.xconnect.require.a", "/x;",
       "annotation io.xconnect.require.a: \"\" is not known; known are role=, provider= and optional"},
      {"io.xconnect.require.a", "/x;role=",
       "annotation io.xconnect.require.a: role= must be a name of at most 64 letters, digits, '_', '.' or '-' that "
       "does "
       "not begin with '.' or '-'"},
      {"io.xconnect.require.a", "",
       "annotation io.xconnect.require.a: expected a target without control characters, such as /run/x.sock or auto, "
       "found \"\""},
      {"io.xconnect.require.", "/x",
       "annotation io.xconnect.require.: the service must be a name of at most 64 letters, digits, '_', '.' or '-' "
       "that "
       "does not begin with '.' or '-'"},
      {"io.xconnect.run", "run.json",
       "annotation io.xconnect.run: expected the absolute path of a file on the host, found \"run.json\""},
  };
  for (const auto& [key, value, error] : rows) EXPECT_EQ(error_of(parse_annotations({{key, value}})), error);
}

TEST(ParseAnnotations, WarnsOfAMisspeltKey) {
  const auto found = parse_annotations({{"io.xconnect.requires.a", "/x"}});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->manifest.warnings,
            std::vector<std::string>{"annotation io.xconnect.requires.a: not known; known are io.xconnect.run, "
                                     "io.xconnect.services and io.xconnect.require.<service>"});
}

}  // namespace
}  // namespace xc::parse
