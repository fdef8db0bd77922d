// What a filtered client learns from the bus itself, and which names it sees.
#include "dbus_conversation.h"
#include "mediate/dbus_match.h"

namespace xc::mediate::dbus {
namespace {

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

/// A dictionary of names to variants of a number of the type beside each.
std::string facts_body(const std::vector<std::pair<std::string_view, std::string_view>>& facts) {
  Writer writer(Order::little);
  writer.uint32(0);
  for (const auto& [name, type] : facts) {
    writer.align(8);
    writer.string(name);
    writer.signature(type);
    writer.align(4);
    writer.uint32(0);
  }
  writer.patch(0, static_cast<std::uint32_t>(facts.empty() ? 0 : writer.size() - 8));
  return writer.take();
}

TEST_P(Dbus, TellsCredentialsWithoutAProcessOfTheHost) {
  EXPECT_EQ(link.client(with_strings(call_of(5, bus_name, bus_name, "GetConnectionCredentials", bus_path), "s"),
                        string_body(Order::little, ":1.3")),
            "");
  Header reply = reply_to(link.bus_heard().at(0).serial, bus_name, ":1.7");
  reply.signature = "a{sv}";
  reply.descriptors = 1;
  EXPECT_EQ(
      link.bus(reply, facts_body({{"UnixUserID", "u"}, {"ProcessFD", "h"}, {"ProcessID", "u"}}), some_descriptors(1)),
      "");
  const auto heard = link.client_heard();
  ASSERT_EQ(lines(heard), Lines{"reply -> 5"});
  EXPECT_EQ(heard[0].descriptors, 0U);
  EXPECT_EQ(heard[0].body, facts_body({{"UnixUserID", "u"}, {"ProcessID", "u"}}));
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

}  // namespace
}  // namespace xc::mediate::dbus
