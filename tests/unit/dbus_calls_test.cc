// Calls, replies and signals between a scripted client and a scripted bus; every conversation also a byte at a time.
#include "dbus_conversation.h"
#include "mediate/dbus_serials.h"

namespace xc::mediate::dbus {
namespace {

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

TEST_P(Dbus, LooksAtArgumentsWhereARuleNamesThem) {
  Link strict({.rules = {{.name = "org.pv.Allowed", .member = "Do", .args = {{"0", "good"}, {"2", "/too"}}}}},
              GetParam());
  strict.open(services);
  const auto ask = [&](std::string_view signature, std::string_view body) {
    EXPECT_EQ(strict.client(with_strings(call_of(5, "org.pv.Allowed", "org.any", "Do"), signature), body), "");
    return strict.bus_heard().size() == 1 ? Lines{"passed"} : lines(strict.client_heard());
  };
  const auto body = [](std::string_view first, std::string_view third, std::size_t more = 0) {
    Writer writer(Order::little);
    writer.string(first);
    writer.uint32(7);
    writer.string(third);
    writer.string(std::string(more, 'x'));
    return writer.take();
  };
  EXPECT_EQ(ask("suos", body("good", "/too")), Lines{"passed"});
  EXPECT_EQ(ask("suss", body("good", "/too", 20'000)), Lines{"passed"});
  EXPECT_EQ(ask("suss", body("bad", "/too")), Lines{std::string(denied)});
  EXPECT_EQ(ask("suss", body("good", "/other")), Lines{std::string(denied)});
  EXPECT_EQ(ask("suss", body(std::string(20'000, 'g'), "/too")), Lines{std::string(denied)});
  EXPECT_EQ(ask("", ""), Lines{std::string(denied)});
  EXPECT_EQ(ask("u", std::string(4, 'g')), Lines{std::string(denied)});
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

TEST_P(Dbus, DeliversASignalToANameThatTheClientOwnsNow) {
  const Header signal = from(":1.1", signal_of(5, "org.any", "Did", "org.pv.Mine.A"));
  EXPECT_EQ(link.bus(signal), "");
  EXPECT_TRUE(link.client_heard().empty());
  EXPECT_EQ(link.owner_changed("org.pv.Mine.A", "", ":1.7"), "");
  EXPECT_EQ(link.bus(signal), "");
  EXPECT_EQ(lines(link.client_heard()), Lines{"signal org.any.Did"});
  EXPECT_EQ(link.bus(from(":1.4", signal_of(5, "org.any", "Did", "org.pv.Mine.A"))), "");
  EXPECT_EQ(link.owner_changed("org.pv.Mine.A", ":1.7", ":1.8"), "");
  EXPECT_EQ(link.bus(signal), "");
  EXPECT_TRUE(link.client_heard().empty());
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

}  // namespace
}  // namespace xc::mediate::dbus
