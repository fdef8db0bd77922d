// The whole mediator between a scripted client and a scripted bus; every conversation also a byte at a time.
#include "dbus_fixture.h"
#include "mediate/dbus_match.h"
#include "mediate/dbus_serials.h"

namespace xc::mediate::dbus {
namespace {

using Lines = std::vector<std::string>;

const model::DbusRules default_rules = {
    .see = {"org.pv.Seen"},
    .talk = {"org.pv.Allowed", "org.pv.Shared.Open", "org.pv.Late", "org.pv.Moving"},
    .own = {"org.pv.Mine.*"},
    .call = {"org.pv.Partial=org.pv.Iface.*@/org/pv/obj/*", "org.pv.Partial=org.pv.One.Get@/org/pv/one"},
    .broadcast = {"org.pv.Partial=org.pv.Iface.Ok@/org/pv/obj/*"},
};

const std::vector<std::pair<std::string_view, std::string_view>> services = {
    {"org.pv.Allowed", ":1.1"}, {"org.pv.Partial", ":1.2"},     {"org.pv.Seen", ":1.3"},
    {"org.pv.Hidden", ":1.4"},  {"org.pv.Shared.Open", ":1.5"}, {"org.pv.Shared.Closed", ":1.5"},
};

constexpr std::string_view unknown = "error org.freedesktop.DBus.Error.ServiceUnknown -> 5";
constexpr std::string_view denied = "error org.freedesktop.DBus.Error.AccessDenied -> 5";

Header from(std::string_view sender, Header header) {
  header.sender = sender;
  return header;
}

Header with_strings(Header header, std::string_view signature) {
  header.signature = signature;
  return header;
}

class Dbus : public testing::TestWithParam<bool> {
 protected:
  Dbus() { link.open(services); }
  Link link{default_rules, GetParam()};
};

TEST_P(Dbus, PassesOrAnswersACallAsTheRulesSay) {
  const struct {
    Header call;
    std::string_view answer;  // "" = passed on
  } table[] = {
      {call_of(5, "org.pv.Allowed", "org.any", "Do"), ""},
      {call_of(5, "org.pv.Allowed", "", "Do"), ""},
      {call_of(5, ":1.1", "org.any", "Do"), ""},
      {call_of(5, "org.pv.Partial", "org.pv.Iface", "Do", "/org/pv/obj/1"), ""},
      {call_of(5, ":1.2", "org.pv.Iface", "Do", "/org/pv/obj/1"), ""},
      {call_of(5, "org.pv.Partial", "org.pv.One", "Get", "/org/pv/one"), ""},
      {call_of(5, ":1.7", "org.any", "Do"), ""},
      {call_of(5, "org.pv.Partial", "org.pv.One", "Set", "/org/pv/one"), denied},
      {call_of(5, "org.pv.Partial", "", "Do", "/org/pv/obj/1"), denied},
      {call_of(5, "org.pv.Partial", "org.pv.Iface", "Do", "/else"), denied},
      {call_of(5, "org.pv.Seen", "org.pv.Iface", "Do"), denied},
      {call_of(5, ":1.3", "org.pv.Iface", "Do"), denied},
      {call_of(5, "org.pv.Hidden", "org.pv.Iface", "Do"), unknown},
      {call_of(5, ":1.4", "org.pv.Iface", "Do"), unknown},
      {call_of(5, ":1.40", "org.pv.Iface", "Do"), unknown},
      {call_of(5, "org.pv.Shared.Closed", "org.pv.Iface", "Do"), unknown},
      {call_of(5, "org.pv.Shared.Open", "org.pv.Iface", "Do"), ""},
      {call_of(5, "", "org.pv.Iface", "Do"), denied},
  };
  for (const auto& row : table) {
    EXPECT_EQ(link.client(row.call), "");
    const auto heard = link.bus_heard();
    const auto answers = link.client_heard();
    EXPECT_EQ(heard.size(), row.answer.empty() ? 1U : 0U) << row.call.destination << row.call.path;
    EXPECT_EQ(lines(answers), row.answer.empty() ? Lines{} : Lines{std::string(row.answer)}) << row.call.destination;
    for (const Heard& answer : answers) {
      EXPECT_EQ(answer.sender, bus_name);
      EXPECT_EQ(answer.destination, ":1.7");
    }
  }
}

TEST_P(Dbus, TellsWithoutActivationThatAHiddenNameHasNoOwner) {
  Header call = call_of(5, "org.pv.Hidden", "org.pv.Iface", "Do");
  call.flags = no_auto_start;
  EXPECT_EQ(link.client(call), "");
  const auto heard = link.client_heard();
  EXPECT_EQ(lines(heard), Lines{"error org.freedesktop.DBus.Error.NameHasNoOwner -> 5"});
  EXPECT_EQ(heard.at(0).text(), "Name \"org.pv.Hidden\" does not exist");
}

TEST_P(Dbus, DropsSilentlyWhatIsForbiddenAndWantsNoReply) {
  Header call = call_of(5, "org.pv.Hidden", "org.pv.Iface", "Do");
  call.flags = no_reply_expected;
  EXPECT_EQ(link.client(call), "");
  EXPECT_TRUE(link.client_heard().empty());
  EXPECT_TRUE(link.bus_heard().empty());
}

TEST_P(Dbus, MapsAnySerialAndTakesAReplyOnceAndFromTheRightPeer) {
  EXPECT_EQ(link.client(call_of(0xffffffff, ":1.1", "org.any", "Do")), "");
  const std::uint32_t serial = link.bus_heard().at(0).serial;
  EXPECT_NE(serial, 0xffffffffU);
  EXPECT_EQ(link.bus(reply_to(serial, ":1.4", ":1.7")), "");
  EXPECT_TRUE(link.client_heard().empty());
  EXPECT_EQ(link.bus(reply_to(serial, bus_name, ":1.7")), "");  // the bus answers for others with errors only
  EXPECT_TRUE(link.client_heard().empty());
  EXPECT_EQ(link.bus(reply_to(serial, ":1.1", ":1.7")), "");
  EXPECT_EQ(lines(link.client_heard()), Lines{"reply -> 4294967295"});
  EXPECT_EQ(link.bus(reply_to(serial, ":1.1", ":1.7")), "");
  EXPECT_TRUE(link.client_heard().empty());
}

TEST_P(Dbus, LetsTheClientAnswerOnceAndOnlyWhoCalled) {
  EXPECT_EQ(link.owner_changed("org.pv.Mine.A", "", ":1.7"), "");
  EXPECT_EQ(link.bus(from(":1.9", call_of(33, "org.pv.Mine.A", "org.pv.Mine", "Serve"))), "");
  EXPECT_EQ(lines(link.client_heard()), Lines{"call org.pv.Mine.A org.pv.Mine.Serve"});
  EXPECT_EQ(link.client(reply_to(33, "", ":1.4")), "");
  EXPECT_EQ(link.client(reply_to(34, "", ":1.9")), "");
  EXPECT_EQ(link.client(reply_to(33, "", "org.pv.Allowed")), "");
  EXPECT_EQ(link.client(reply_to(33, "", "")), "");
  EXPECT_TRUE(link.bus_heard().empty());
  Header disguised = call_of(6, "org.pv.Hidden", "org.pv.Iface", "Do");
  disguised.reply_serial = 33;
  EXPECT_EQ(link.client(disguised), "");
  EXPECT_TRUE(link.bus_heard().empty());
  (void)link.client_heard();
  EXPECT_EQ(link.client(reply_to(33, "", ":1.9")), "");
  EXPECT_EQ(lines(link.bus_heard()), Lines{"reply -> 33"});
  EXPECT_EQ(link.client(reply_to(33, "", ":1.9")), "");
  EXPECT_TRUE(link.bus_heard().empty());
}

TEST_P(Dbus, RefusesCallsToAClientThatOffersNothing) {
  EXPECT_EQ(link.bus(from(":1.9", call_of(33, ":1.7", "org.x.Y", "Do"))), "");
  EXPECT_TRUE(link.client_heard().empty());
  const auto answers = link.bus_heard();
  EXPECT_EQ(lines(answers), Lines{"error org.freedesktop.DBus.Error.AccessDenied -> 33"});
  EXPECT_EQ(answers.at(0).destination, ":1.9");
  EXPECT_EQ(link.bus(from(":1.1", call_of(34, ":1.7", "org.x.Agent", "Do"))), "");
  EXPECT_EQ(lines(link.client_heard()), Lines{"call :1.7 org.x.Agent.Do"});
}

TEST_P(Dbus, KnowsACallerWhileItIsConnected) {
  EXPECT_EQ(link.owner_changed("org.pv.Mine.A", "", ":1.7"), "");
  const Header signal = signal_of(8, "org.pv.Mine", "Progress", ":1.9");
  EXPECT_EQ(link.client(signal), "");
  EXPECT_TRUE(link.bus_heard().empty());
  EXPECT_EQ(link.bus(from(":1.9", call_of(33, ":1.7", "org.pv.Mine", "Serve"))), "");
  EXPECT_EQ(link.client(signal), "");
  EXPECT_EQ(lines(link.bus_heard()), Lines{"signal org.pv.Mine.Progress"});
  EXPECT_EQ(link.owner_changed(":1.9", ":1.9", ""), "");
  EXPECT_EQ(link.client(signal), "");
  EXPECT_EQ(link.client(reply_to(33, "", ":1.9")), "");
  EXPECT_TRUE(link.bus_heard().empty());
}

TEST_P(Dbus, DropsSignalsThatNoRuleLetsOut) {
  for (const Header& signal :
       {signal_of(5, "org.pv.Iface", "Ok", "org.pv.Hidden"), signal_of(5, "org.pv.Iface", "Ok", "org.pv.Seen"),
        signal_of(5, "org.pv.Other", "Ok", "org.pv.Partial"), signal_of(5, "org.pv.Iface", "Ok", ":1.4"),
        signal_of(5, "org.pv.Iface", "Ok"), signal_of(5, "org.freedesktop.DBus", "NameOwnerChanged"),
        signal_of(5, "org.pv.Iface", "Ok", bus_name)}) {
    EXPECT_EQ(link.client(signal), "");
    EXPECT_TRUE(link.bus_heard().empty()) << signal.destination << signal.interface;
  }
  EXPECT_EQ(link.client(signal_of(5, "org.pv.Mine.Iface", "Changed")), "");
  EXPECT_EQ(link.client(signal_of(5, "org.pv.Iface", "Ok", "org.pv.Partial", "/org/pv/obj/2")), "");
  EXPECT_EQ(lines(link.bus_heard()), (Lines{"signal org.pv.Mine.Iface.Changed", "signal org.pv.Iface.Ok"}));
}

TEST_P(Dbus, DeliversSignalsOfWhoOwnsAnAllowedNameNow) {
  const struct {
    Header signal;
    bool heard;
  } table[] = {
      {from(":1.1", signal_of(5, "org.any", "Did")), true},
      {from(":1.1", signal_of(5, "org.any", "Did", ":1.7")), true},
      {from(":1.2", signal_of(5, "org.pv.Iface", "Ok", {}, "/org/pv/obj/1")), true},
      {from(":1.2", signal_of(5, "org.pv.Iface", "Secret", {}, "/org/pv/obj/1")), false},
      {from(":1.3", signal_of(5, "org.any", "Did")), false},
      {from(":1.4", signal_of(5, "org.any", "Did")), false},
      {from(":1.4", signal_of(5, "org.any", "Did", ":1.7")), false},
      {from(":1.1", signal_of(5, "org.any", "Did", ":1.8")), false},
      {from(bus_name, signal_of(5, "org.freedesktop.DBus.Properties", "PropertiesChanged")), false},
  };
  for (const auto& row : table) {
    EXPECT_EQ(link.bus(row.signal), "");
    EXPECT_EQ(link.client_heard().size(), row.heard ? 1U : 0U) << row.signal.sender << row.signal.member;
  }
}

TEST_P(Dbus, TakesTheRightsAwayWithTheName) {
  EXPECT_EQ(link.owner_changed("org.pv.Moving", "", ":1.20"), "");
  EXPECT_EQ(link.client(call_of(5, ":1.20", "org.any", "Do")), "");
  EXPECT_EQ(link.bus_heard().size(), 1U);
  EXPECT_EQ(link.owner_changed("org.pv.Moving", ":1.20", ":1.21"), "");
  EXPECT_EQ(link.client(call_of(5, ":1.20", "org.any", "Do")), "");
  EXPECT_EQ(lines(link.client_heard()), Lines{std::string(unknown)});
  EXPECT_EQ(link.client(call_of(5, ":1.21", "org.any", "Do")), "");
  EXPECT_EQ(link.bus_heard().size(), 1U);
  EXPECT_EQ(link.bus(from(":1.20", signal_of(5, "org.any", "Did"))), "");
  EXPECT_TRUE(link.client_heard().empty());
}

TEST_P(Dbus, ReportsOwnerChangesOfVisibleNamesToWhoAskedForThem) {
  EXPECT_EQ(link.owner_changed("org.pv.Late", "", ":1.30"), "");
  EXPECT_TRUE(link.client_heard().empty());  // only our own subscription brought it
  const std::string rule = "type='signal',member='NameOwnerChanged'";
  EXPECT_EQ(link.client(with_strings(call_of(5, bus_name, bus_name, "AddMatch", bus_path), "s"),
                        string_body(Order::little, rule)),
            "");
  const auto heard = link.bus_heard();
  EXPECT_EQ(heard.at(0).text(), "member='NameOwnerChanged',type='signal'");
  EXPECT_EQ(link.bus(reply_to(heard.at(0).serial, bus_name, ":1.7")), "");
  EXPECT_EQ(lines(link.client_heard()), Lines{"reply -> 5"});
  const struct {
    std::string_view name, before, after;
    bool heard;
  } table[] = {
      {"org.pv.Late", ":1.30", ":1.31", true},
      {"org.pv.Hidden", ":1.4", "", false},
      {":1.4", ":1.4", "", false},
      {":1.50", "", ":1.50", false},
      {"org.pv.Seen", ":1.3", "", true},
      {":1.3", ":1.3", "", true},
      {":1.30", ":1.30", "", true},
      {":1.30", ":1.30", "", false},
      {"bad name", "x", "y", false},
  };
  for (const auto& row : table) {
    EXPECT_EQ(link.owner_changed(row.name, row.before, row.after), "");
    EXPECT_EQ(link.client_heard().size(), row.heard ? 1U : 0U) << row.name;
  }
}

TEST_P(Dbus, AnswersQuestionsAboutHiddenNamesAsIfTheyWereNotThere) {
  constexpr std::string_view none = "error org.freedesktop.DBus.Error.NameHasNoOwner -> 5";
  const struct {
    std::string_view member, name;
    std::string_view answer;  // "" = the bus is asked
  } table[] = {
      {"GetNameOwner", "org.pv.Hidden", none},
      {"GetNameOwner", ":1.4", none},
      {"GetNameOwner", "org.pv.Allowed", ""},
      {"NameHasOwner", "org.pv.Hidden", "reply -> 5"},
      {"NameHasOwner", "org.pv.Seen", ""},
      {"ListQueuedOwners", "org.pv.Hidden", none},
      {"ListQueuedOwners", "org.pv.Allowed", denied},
      {"ListQueuedOwners", "org.pv.Mine.A", ""},
      {"GetConnectionUnixProcessID", ":1.4", none},
      {"GetConnectionUnixUser", "org.pv.Hidden", none},
      {"GetConnectionCredentials", ":1.4", none},
      {"GetConnectionCredentials", ":1.3", ""},
      {"GetConnectionSELinuxSecurityContext", ":1.4", none},
      {"GetAdtAuditSessionData", ":1.4", none},
      {"ReleaseName", "org.pv.Hidden", "reply -> 5"},
      {"ReleaseName", "org.pv.Mine.A", ""},
      {"GetConnectionUnixUser", bus_name, ""},
  };
  for (const auto& row : table) {
    EXPECT_EQ(link.client(with_strings(call_of(5, bus_name, bus_name, row.member, bus_path), "s"),
                          string_body(Order::little, row.name)),
              "");
    const auto heard = link.bus_heard();
    EXPECT_EQ(heard.size(), row.answer.empty() ? 1U : 0U) << row.member << row.name;
    EXPECT_EQ(lines(link.client_heard()), row.answer.empty() ? Lines{} : Lines{std::string(row.answer)}) << row.member;
    for (const Heard& call : heard) EXPECT_EQ(link.bus(reply_to(call.serial, bus_name, ":1.7")), "");
    (void)link.client_heard();
  }
}

TEST_P(Dbus, KeepsPrivilegedMethodsOfTheBusAwayOnEveryPath) {
  const std::pair<std::string_view, std::string_view> methods[] = {
      {bus_name, "UpdateActivationEnvironment"},
      {bus_name, "ReloadConfig"},
      {"org.freedesktop.DBus.Monitoring", "BecomeMonitor"},
      {"org.freedesktop.DBus.Debug.Stats", "GetStats"},
      {"org.freedesktop.DBus.Verbose", "EnableVerbose"},
      {"org.freedesktop.DBus.Containers1", "AddServer"},
      {bus_name, "NoSuchMethod"},
      {"", "BecomeMonitor"},
      {"org.freedesktop.DBus.Properties", "Set"},
  };
  for (const std::string_view path : {"/"sv, bus_path, "/org/pv/obj"sv})
    for (const auto& [interface, member] : methods) {
      EXPECT_EQ(link.client(call_of(5, bus_name, interface, member, path)), "");
      EXPECT_TRUE(link.bus_heard().empty()) << member;
      EXPECT_EQ(lines(link.client_heard()), Lines{std::string(denied)}) << member;
    }
}

TEST_P(Dbus, AsksTheBusForItsFactsOnly) {
  const struct {
    std::string_view member, signature;
    std::vector<std::string_view> arguments;
    bool passed;
  } table[] = {
      {"Get", "ss", {bus_name, "Features"}, true},
      {"Get", "ss", {bus_name, "Interfaces"}, true},
      {"Get", "ss", {bus_name, "Other"}, false},
      {"Get", "ss", {"org.freedesktop.DBus.Debug.Stats", "Features"}, false},
      {"GetAll", "s", {bus_name}, true},
      {"GetAll", "s", {"org.other.Iface"}, false},
  };
  for (const auto& row : table) {
    EXPECT_EQ(link.client(with_strings(call_of(5, bus_name, properties_interface, row.member), row.signature),
                          strings_body(row.arguments)),
              "");
    const auto heard = link.bus_heard();
    EXPECT_EQ(heard.size(), row.passed ? 1U : 0U) << row.arguments.back();
    for (const Heard& call : heard) EXPECT_EQ(link.bus(reply_to(call.serial, bus_name, ":1.7")), "");
    (void)link.client_heard();
  }
}

TEST_P(Dbus, ListsOnlyVisibleNames) {
  EXPECT_EQ(link.client(call_of(5, bus_name, bus_name, "ListNames", bus_path)), "");
  Header reply = reply_to(link.bus_heard().at(0).serial, bus_name, ":1.7");
  reply.signature = "as";
  EXPECT_EQ(link.bus(reply, list_body({bus_name, ":1.1", ":1.4", "org.pv.Hidden", "org.pv.Seen", ":1.7", "org.pv.Late",
                                       "org.pv.Shared.Closed", ":1.5"})),
            "");
  const auto heard = link.client_heard();
  ASSERT_EQ(lines(heard), Lines{"reply -> 5"});
  EXPECT_EQ(heard[0].names(), (Lines{std::string(bus_name), ":1.1", "org.pv.Seen", ":1.7", "org.pv.Late", ":1.5"}));
}

TEST_P(Dbus, OwnsWhatItMayAndStartsWhatItMayCall) {
  const struct {
    std::string_view member, name;
    std::string_view answer;
  } table[] = {
      {"RequestName", "org.pv.Mine.A", ""},
      {"RequestName", "org.pv.Allowed", denied},
      {"RequestName", ":1.4", "error org.freedesktop.DBus.Error.InvalidArgs -> 5"},
      {"StartServiceByName", "org.pv.Allowed", ""},
      {"StartServiceByName", "org.pv.Partial", ""},
      {"StartServiceByName", "org.pv.Seen", denied},
      {"StartServiceByName", "org.pv.Hidden", unknown},
  };
  for (const auto& row : table) {
    Writer body(Order::little);
    body.string(row.name);
    body.uint32(0);
    EXPECT_EQ(link.client(with_strings(call_of(5, bus_name, bus_name, row.member, bus_path), "su"), body.take()), "");
    const auto heard = link.bus_heard();
    EXPECT_EQ(heard.size(), row.answer.empty() ? 1U : 0U) << row.name;
    EXPECT_EQ(lines(link.client_heard()), row.answer.empty() ? Lines{} : Lines{std::string(row.answer)}) << row.name;
    for (const Heard& call : heard) EXPECT_EQ(link.bus(reply_to(call.serial, bus_name, ":1.7")), "");
    (void)link.client_heard();
  }
}

TEST_P(Dbus, AnswersInTheOrderOfTheQuestions) {
  EXPECT_EQ(link.client(call_of(5, bus_name, bus_name, "GetId", bus_path)), "");
  EXPECT_EQ(link.client(call_of(6, "org.pv.Hidden", "org.pv.Iface", "Do")), "");
  EXPECT_EQ(link.client(call_of(7, "org.pv.Allowed", "org.pv.Iface", "Do")), "");
  EXPECT_TRUE(link.client_heard().empty());
  const auto asked = link.bus_heard();
  EXPECT_EQ(lines(asked), Lines{"call org.freedesktop.DBus org.freedesktop.DBus.GetId"});
  EXPECT_EQ(link.bus(reply_to(asked.at(0).serial, bus_name, ":1.7")), "");
  EXPECT_EQ(lines(link.client_heard()), (Lines{"reply -> 5", "error org.freedesktop.DBus.Error.ServiceUnknown -> 6"}));
  EXPECT_EQ(link.bus_heard().size(), 1U);
}

TEST_P(Dbus, KeepsMatchRulesWithinBounds) {
  const auto add = [&](std::string_view rule) {
    EXPECT_EQ(link.client(with_strings(call_of(5, bus_name, bus_name, "AddMatch", bus_path), "s"),
                          string_body(Order::little, rule)),
              "");
    for (const Heard& call : link.bus_heard()) EXPECT_EQ(link.bus(reply_to(call.serial, bus_name, ":1.7")), "");
    return lines(link.client_heard());
  };
  EXPECT_EQ(add("eavesdrop='true'"), Lines{std::string(denied)});
  EXPECT_EQ(add("nonsense"), Lines{"error org.freedesktop.DBus.Error.MatchRuleInvalid -> 5"});
  EXPECT_EQ(add("member='" + std::string(15000, 'a') + "'"),
            Lines{"error org.freedesktop.DBus.Error.MatchRuleInvalid -> 5"});
  EXPECT_EQ(add("member='" + std::string(100000, 'a') + "'"),
            Lines{"error org.freedesktop.DBus.Error.LimitsExceeded -> 5"});
  for (std::size_t i = 0; i < MatchRules::capacity; ++i) ASSERT_EQ(add("member='A'"), Lines{"reply -> 5"});
  EXPECT_EQ(add("member='A'"), Lines{"error org.freedesktop.DBus.Error.LimitsExceeded -> 5"});
  EXPECT_EQ(link.client(call_of(5, bus_name, bus_name, "AddMatch", bus_path)), "");
  EXPECT_EQ(lines(link.client_heard()), Lines{"error org.freedesktop.DBus.Error.InvalidArgs -> 5"});
}

TEST_P(Dbus, DoesNotLetTheClientRemoveOurSubscription) {
  EXPECT_EQ(link.client(with_strings(call_of(5, bus_name, bus_name, "RemoveMatch", bus_path), "s"),
                        string_body(Order::little,
                                    "type='signal',sender='org.freedesktop.DBus',path='/org/freedesktop/DBus',"
                                    "interface='org.freedesktop.DBus',member='NameOwnerChanged'")),
            "");
  EXPECT_TRUE(link.bus_heard().empty());
  EXPECT_EQ(lines(link.client_heard()), Lines{"error org.freedesktop.DBus.Error.MatchRuleNotFound -> 5"});
}

TEST_P(Dbus, ForgetsAMatchRuleThatTheBusRefuses) {
  EXPECT_EQ(link.client(with_strings(call_of(5, bus_name, bus_name, "AddMatch", bus_path), "s"),
                        string_body(Order::little, "member='NameOwnerChanged'")),
            "");
  Header error = reply_to(link.bus_heard().at(0).serial, bus_name, ":1.7");
  error.type = MessageType::error;
  error.error_name = "org.freedesktop.DBus.Error.LimitsExceeded";
  EXPECT_EQ(link.bus(error), "");
  EXPECT_EQ(lines(link.client_heard()), Lines{"error org.freedesktop.DBus.Error.LimitsExceeded -> 5"});
  EXPECT_EQ(link.owner_changed("org.pv.Late", "", ":1.30"), "");
  EXPECT_TRUE(link.client_heard().empty());
}

TEST_P(Dbus, PassesDescriptorsWithTheirMessageBothWays) {
  Header call = with_strings(call_of(5, "org.pv.Allowed", "org.any", "Take"), "u");
  call.descriptors = 3;
  EXPECT_EQ(link.client(call, "\0\0\0\0"sv, some_descriptors(3)), "");
  const auto heard = link.bus_heard();
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].descriptors, 3U);
  Header reply = reply_to(heard[0].serial, ":1.1", ":1.7");
  reply.descriptors = 1;
  EXPECT_EQ(link.bus(reply, {}, some_descriptors(1)), "");
  EXPECT_EQ(link.client_heard().at(0).descriptors, 1U);
  EXPECT_EQ(link.tally.descriptors, 4U);
}

TEST_P(Dbus, EndsAConnectionWhoseDescriptorsDoNotFitItsMessages) {
  const struct {
    std::uint32_t announced;
    std::size_t sent;
    std::string_view error;
  } table[] = {
      {2, 1, "from the client: D-Bus message: it announces another number of descriptors than came with it"},
      {1, 0, "from the client: D-Bus message: it announces another number of descriptors than came with it"},
      {1, 2, "from the client: D-Bus message: it announces another number of descriptors than came with it"},
      {0, 1, "from the client: D-Bus connection: descriptors that no message announces"},
  };
  for (const auto& row : table) {
    Link fresh(default_rules, GetParam());
    fresh.open(services);
    Header call = call_of(5, "org.pv.Allowed", "org.any", "Take");
    call.descriptors = row.announced;
    EXPECT_EQ(fresh.client(call, {}, some_descriptors(row.sent)), row.error);
    EXPECT_TRUE(fresh.to_server.pins().empty());
  }
}

TEST_P(Dbus, NeverCarriesADescriptorOverToALaterMessage) {
  Header plain = with_strings(call_of(5, "org.pv.Allowed", "org.any", "Do"), "s");
  EXPECT_EQ(link.client(plain, string_body(Order::little, std::string(20000, 'x')), some_descriptors(1)),
            "from the client: D-Bus connection: descriptors that no message announces");
}

TEST_P(Dbus, RefusesMoreDescriptorsThanTheRuleAllows) {
  Header call = call_of(5, "org.pv.Allowed", "org.any", "Take");
  call.descriptors = 17;
  EXPECT_EQ(link.client(call, {}, some_descriptors(17)), "");
  EXPECT_EQ(lines(link.client_heard()), Lines{std::string(denied)});
  EXPECT_TRUE(link.bus_heard().empty());
  EXPECT_EQ(link.client(call_of(6, "org.pv.Allowed", "org.any", "Do")), "");
  Header reply = reply_to(link.bus_heard().at(0).serial, ":1.1", ":1.7");
  reply.descriptors = 17;
  EXPECT_EQ(link.bus(reply, {}, some_descriptors(17)), "");
  EXPECT_EQ(lines(link.client_heard()), Lines{"error org.freedesktop.DBus.Error.AccessDenied -> 6"});
}

TEST_P(Dbus, StreamsALargeBodyThroughSmallBuffers) {
  const std::string body = string_body(Order::little, std::string(1024 * 1024, 'x'));
  const std::string path = "/" + std::string(1000, 'p');
  const Header call = with_strings(call_of(5, "org.pv.Allowed", "org.any", "Put", path), "s");
  const std::string message = write_message(call, body);
  std::string got;
  const std::size_t piece = GetParam() ? 1009 : 65536;
  for (std::size_t at = 0; at < message.size(); at += piece) {
    link.from_client.append(std::string_view(message).substr(at, piece));
    ASSERT_TRUE(link.advance());
    EXPECT_LE(link.to_server.data().size(), Stream::default_capacity + max_header);
    got += link.to_server.data();
    link.to_server.consume(link.to_server.data().size());
    ASSERT_TRUE(link.advance());
  }
  got += link.to_server.data();
  link.to_server.consume(link.to_server.data().size());
  ASSERT_GT(got.size(), body.size());
  EXPECT_EQ(got.substr(got.size() - body.size()), body);
}

TEST_P(Dbus, StopsTakingWhenTheOtherSideDoesNotRead) {
  Header signal = with_strings(from(":1.1", signal_of(5, "org.any", "Tick")), "s");
  const std::string message = write_message(signal, string_body(Order::little, std::string(10000, 'x')));
  for (int i = 0; i < 100; ++i) link.from_server.append(message);
  ASSERT_TRUE(link.advance());
  EXPECT_LT(link.to_client.data().size(), Stream::default_capacity + message.size());
  EXPECT_GT(link.from_server.data().size(), 80 * message.size());
}

TEST_P(Dbus, PutsAnAnswerBetweenTwoMessagesAndNeverIntoOne) {
  const std::string body = string_body(Order::little, std::string(100000, 'x'));
  const std::string message = write_message(with_strings(from(":1.1", signal_of(5, "org.any", "Big")), "s"), body);
  EXPECT_EQ(link.bus(std::string_view(message).substr(0, 40000)), "");
  EXPECT_EQ(link.client(call_of(6, "org.pv.Hidden", "org.pv.Iface", "Do")), "");
  std::string got(link.to_client.data());
  link.to_client.consume(got.size());
  EXPECT_EQ(link.bus(std::string_view(message).substr(40000)), "");
  got += link.to_client.data();
  link.to_client.consume(link.to_client.data().size());
  Stream all(1024 * 1024);
  all.append(got);
  ASSERT_TRUE(link.advance());
  all.append(link.to_client.data());
  EXPECT_EQ(lines(take_messages(all)),
            (Lines{"signal org.any.Big", "error org.freedesktop.DBus.Error.ServiceUnknown -> 6"}));
}

TEST_P(Dbus, BoundsTheCallsThatWait) {
  for (std::uint32_t i = 0; i < CallsOut::capacity; ++i) {
    ASSERT_EQ(link.client(call_of(10 + i, "org.pv.Allowed", "org.any", "Do")), "");
    link.to_server.consume(link.to_server.data().size());
  }
  EXPECT_EQ(link.client(call_of(5, "org.pv.Allowed", "org.any", "Do")), "");
  EXPECT_EQ(lines(link.client_heard()), Lines{"error org.freedesktop.DBus.Error.LimitsExceeded -> 5"});
}

TEST_P(Dbus, EndsAConnectionThatBreaksTheProtocol) {
  std::string unknown_type = write_message(call_of(5, "org.pv.Hidden", "org.any", "Do"), {});
  unknown_type[1] = 5;
  Header bad_body = with_strings(call_of(5, "org.pv.Allowed", "org.any", "Do"), "s");
  const struct {
    std::string bytes;
    std::string_view error;
  } table[] = {
      {unknown_type, "from the client: D-Bus message: a type that is not known"},
      {write_message(bad_body, "\7\0\0\0abc\0"sv),
       "from the client: D-Bus message: the body is not what its signature says"},
      {"GET / HTTP/1.1\r\n\r\n", "from the client: D-Bus message: it does not begin with a byte order"},
  };
  for (const auto& row : table) {
    Link fresh(default_rules, GetParam());
    fresh.open(services);
    EXPECT_EQ(fresh.client(row.bytes), row.error);
    EXPECT_TRUE(fresh.bus_heard().empty());
  }
}

TEST_P(Dbus, DropsWhatAHostilePeerSendsMalformed) {
  const Header signal = with_strings(from(":1.1", signal_of(5, "org.any", "Did")), "s");
  EXPECT_EQ(link.bus(signal, "\7\0\0\0abc\0"sv), "");
  EXPECT_TRUE(link.client_heard().empty());
  EXPECT_EQ(link.client(call_of(6, "org.pv.Allowed", "org.any", "Do")), "");
  EXPECT_EQ(link.bus(with_strings(reply_to(link.bus_heard().at(0).serial, ":1.1", ":1.7"), "s"), "\7\0\0\0abc\0"sv),
            "");
  EXPECT_EQ(lines(link.client_heard()), Lines{"error org.freedesktop.DBus.Error.AccessDenied -> 6"});
}

TEST_P(Dbus, EndsBothSidesAsTheyEnd) {
  link.from_client.append(write_message(call_of(6, "org.pv.Allowed", "org.any", "Do"), {}));
  link.from_client.end();
  ASSERT_TRUE(link.advance());
  EXPECT_EQ(link.bus_heard().size(), 1U);
  EXPECT_TRUE(link.to_server.finished());
  EXPECT_FALSE(link.to_client.finished());
  link.from_server.end();
  ASSERT_TRUE(link.advance());
  EXPECT_TRUE(link.to_client.finished());
}

INSTANTIATE_TEST_SUITE_P(WholeAndByteByByte, Dbus, testing::Bool());

TEST(DbusStart, RefusesAFirstMessageThatIsNotHello) {
  Link link(default_rules);
  link.log_in();
  link.answer_greeting({});
  EXPECT_EQ(link.client(call_of(1, "org.pv.Allowed", "org.any", "Do")),
            "from the client: D-Bus connection: the first message is not a call of Hello");
}

TEST(DbusStart, RefusesDescriptorsThatWereNotNegotiated) {
  Link link(default_rules);
  link.log_in();
  Header hello = call_of(1, bus_name, bus_name, "Hello", bus_path);
  hello.descriptors = 1;
  EXPECT_EQ(link.client(hello, {}, some_descriptors(1)),
            "from the client: D-Bus message: descriptors that were not negotiated");
}

TEST(DbusStart, GivesNoDescriptorToAClientThatNegotiatedNone) {
  Link link(default_rules);
  link.log_in();
  EXPECT_EQ(link.client(call_of(1, bus_name, bus_name, "Hello", bus_path)), "");
  link.answer_greeting(services);
  (void)link.client_heard();
  Header signal = from(":1.1", signal_of(5, "org.any", "Did"));
  signal.descriptors = 1;
  EXPECT_EQ(link.bus(signal, {}, some_descriptors(1)), "");
  EXPECT_TRUE(link.client_heard().empty());
  EXPECT_EQ(link.client(call_of(6, "org.pv.Allowed", "org.any", "Do")), "");
  Header reply = reply_to(link.bus_heard().at(0).serial, ":1.1", ":1.7");
  reply.descriptors = 1;
  EXPECT_EQ(link.bus(reply, {}, some_descriptors(1)), "");
  EXPECT_EQ(lines(link.client_heard()), Lines{"error org.freedesktop.DBus.Error.AccessDenied -> 6"});
}

TEST(DbusStart, JudgesNothingBeforeItKnowsWhoOwnsWhat) {
  Link link(default_rules);
  link.log_in();
  EXPECT_EQ(link.client(call_of(1, bus_name, bus_name, "Hello", bus_path)), "");
  EXPECT_EQ(link.client(call_of(2, ":1.1", "org.any", "Do")), "");
  EXPECT_TRUE(link.client_heard().empty());
  link.answer_greeting(services);
  EXPECT_EQ(lines(link.client_heard()), (Lines{"reply -> 1", "signal org.freedesktop.DBus.NameAcquired"}));
  EXPECT_EQ(lines(link.bus_heard()), Lines{"call :1.1 org.any.Do"});
}

TEST(DbusStart, IntroducesItselfToTheBusBeforeTheClientSaysAnything) {
  Link link(default_rules);
  ASSERT_TRUE(link.advance());
  link.to_server.consume(Link::opening.size());
  EXPECT_EQ(lines(link.bus_heard()), (Lines{"call org.freedesktop.DBus org.freedesktop.DBus.Hello",
                                            "call org.freedesktop.DBus org.freedesktop.DBus.AddMatch",
                                            "call org.freedesktop.DBus org.freedesktop.DBus.ListNames"}));
}

TEST(DbusStart, EndsWhenTheBusRefusesAnotherConnection) {
  Link link(default_rules);
  link.log_in();
  Header error = reply_to(link.bus_heard().at(0).serial, bus_name, "");
  error.type = MessageType::error;
  error.error_name = "org.freedesktop.DBus.Error.LimitsExceeded";
  error.destination = ":1.7";
  EXPECT_EQ(link.bus(error),
            "from the bus: D-Bus connection: the bus refuses another connection: "
            "org.freedesktop.DBus.Error.LimitsExceeded");
}

TEST(DbusStart, DeliversNothingBeforeTheClientSaidHello) {
  Link link(default_rules);
  link.log_in();
  link.answer_greeting(services);
  EXPECT_EQ(link.bus(from(":1.1", signal_of(5, "org.any", "Did", ":1.7"))), "");
  EXPECT_EQ(link.bus(from(":1.1", call_of(6, ":1.7", "org.any", "Do"))), "");
  EXPECT_TRUE(link.client_heard().empty());
  EXPECT_EQ(lines(link.bus_heard()), Lines{"error org.freedesktop.DBus.Error.AccessDenied -> 6"});
}

TEST(DbusStart, WithEveryRightPassesAllButMonitoring) {
  Link link({.all = true});
  link.open();
  EXPECT_EQ(link.client(call_of(5, "org.any.Name", "", "Do")), "");
  EXPECT_EQ(link.client(signal_of(6, "org.any", "Did")), "");
  EXPECT_EQ(link.client(call_of(7, bus_name, bus_name, "ReloadConfig")), "");
  EXPECT_EQ(link.bus_heard().size(), 3U);
  EXPECT_EQ(link.bus(from(":1.99", signal_of(8, "org.any", "Did"))), "");
  EXPECT_EQ(link.client_heard().size(), 1U);
  Link other({.all = true});
  other.open();
  EXPECT_EQ(other.client(call_of(5, bus_name, "org.freedesktop.DBus.Monitoring", "BecomeMonitor")), "");
  EXPECT_EQ(lines(other.client_heard()), Lines{std::string(denied)});
}

TEST(DbusStart, EndsALinkWhoseRulesMakeNoSense) {
  Link link({.talk = {"no name"}});
  const auto result = link.advance();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().text,
            "dbus rule talk \"no name\": expected a well-known bus name, with or without .* at its end");
}

TEST(DbusEvent, TellsWhoeverListensWhatBecameOfAMessage) {
  class Listener final : public Observer {
   public:
    void on_event(std::string_view line) override { heard.emplace_back(line); }
    std::vector<std::string> heard;
  } listener;
  Link link(default_rules, false, Upstream::connected, &listener);
  link.open(services);
  listener.heard.clear();
  EXPECT_EQ(link.client(call_of(5, "org.pv.Hidden", "org.any", "Do")), "");
  EXPECT_EQ(link.client(with_strings(call_of(6, "org.pv.Allowed", "org.any", "Do"), "s"), strings_body({"secret"})),
            "");
  EXPECT_EQ(link.bus(from(":1.4", signal_of(7, "org.any", "Did"))), "");
  EXPECT_EQ(listener.heard,
            (Lines{R"({"event":"message","client":"test","role":"test","service":"test","from":"client","type":"call",)"
                   R"("verdict":"answered","destination":"org.pv.Hidden","interface":"org.any","member":"Do",)"
                   R"("path":"/org/pv/obj","serial":5})",
                   R"({"event":"message","client":"test","role":"test","service":"test","from":"client","type":"call",)"
                   R"("verdict":"passed","destination":"org.pv.Allowed","interface":"org.any","member":"Do",)"
                   R"("path":"/org/pv/obj","serial":6,"bytes":11})",
                   R"({"event":"message","client":"test","role":"test","service":"test","from":"bus","type":"signal",)"
                   R"("verdict":"dropped","sender":":1.4","interface":"org.any","member":"Did",)"
                   R"("path":"/org/pv/obj","serial":7})"}));
}

TEST(DbusFlow, LeavesADescriptorToTheMessageThatTheKernelGluedBehindAnother) {
  Link link(default_rules);
  link.open(services);
  Header taking = call_of(6, "org.pv.Allowed", "org.any", "Take");
  taking.descriptors = 1;
  EXPECT_EQ(link.feed(link.from_client,
                      write_message(call_of(5, "org.pv.Allowed", "org.any", "Do"), {}) + write_message(taking, {}),
                      some_descriptors(1)),
            "");
  const auto heard = link.bus_heard();
  ASSERT_EQ(heard.size(), 2U);
  EXPECT_EQ(heard[0].descriptors, 0U);
  EXPECT_EQ(heard[1].descriptors, 1U);
}

}  // namespace
}  // namespace xc::mediate::dbus
