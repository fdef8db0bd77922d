// The first moments of a link, what observers are told, and messages glued together.
#include "dbus_conversation.h"

namespace xc::mediate::dbus {
namespace {

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
                   R"("path":"/org/pv/obj","serial":5,)"
                   R"("reason":"The name org.pv.Hidden was not provided by any .service files"})",
                   R"({"event":"message","client":"test","role":"test","service":"test","from":"client","type":"call",)"
                   R"("verdict":"passed","destination":"org.pv.Allowed","interface":"org.any","member":"Do",)"
                   R"("path":"/org/pv/obj","serial":6,"bytes":11,"rule":"talk org.pv.Allowed"})",
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
