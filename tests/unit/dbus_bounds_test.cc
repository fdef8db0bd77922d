// What a bus that means ill can make a link keep in memory.
#include "dbus_conversation.h"
#include "mediate/dbus_names.h"

namespace xc::mediate::dbus {
namespace {

Policy policy_for(const model::DbusRules& rules) {
  return *Policy::parse({{rules}});
}

TEST(DbusBounds, KnowsNoMoreConnectionsThatOnceOwnedANameThanABusHas) {
  const Policy policy = policy_for(default_rules);
  Names names(policy);
  constexpr std::size_t many = 2 * Names::max_owners;
  for (std::size_t i = 0; i < many; ++i) names.set_owner("org.pv.Moving", ":1." + std::to_string(i));
  const std::string last = ":1." + std::to_string(many - 1);
  EXPECT_EQ(names.names_of(last), Lines{"org.pv.Moving"});
  std::size_t known = 0;
  for (std::size_t i = 0; i < many; ++i) {
    const std::string unique = ":1." + std::to_string(i);
    if (names.take({unique, unique, ""})) ++known;
  }
  EXPECT_LE(known, Names::max_owners + 1);
}

TEST(DbusBounds, KnowsNoMoreOwnersThanABusHas) {
  const Policy policy = policy_for({.talk = {"org.pv.*"}});
  Names names(policy);
  for (std::size_t i = 0; i < Names::max_owners; ++i) names.set_owner("org.pv.N" + std::to_string(i), ":1.1");
  names.set_owner("org.pv.Late", ":1.2");
  EXPECT_EQ(names.level(":1.2"), Level::none);
  names.set_owner("org.pv.N0", "");
  names.set_owner("org.pv.Late", ":1.2");
  EXPECT_EQ(names.level(":1.2"), Level::talk);
}

TEST(DbusBounds, AsksForTheOwnersOfNoMoreNamesThanItKeeps) {
  Link link({.talk = {"org.pv.*"}});
  link.log_in();
  std::vector<std::string> names;
  for (std::size_t i = 0; i < 2 * Names::max_owners; ++i) names.push_back("org.pv.N" + std::to_string(i));
  for (Heard& question : link.bus_heard()) {
    const bool list = question.member == "ListNames";
    Header reply = with_strings(reply_to(question.serial, bus_name, ":1.7"), list ? "as" : "s");
    const std::string body = list ? list_body({names.begin(), names.end()}) : strings_body({":1.7"});
    EXPECT_EQ(link.bus(reply, body), "");
  }
  EXPECT_EQ(link.bus_heard().size(), Names::max_owners);
}

TEST(DbusBounds, AnswersNoMoreCallsThanTheBusReadsAnswers) {
  Link link(default_rules);
  link.open(services);
  const std::string call = write_message(from(":1.9", call_of(33, ":1.7", "org.x.Y", "Do")), {});
  constexpr std::size_t many = 2000;
  for (std::size_t i = 0; i < many; ++i) EXPECT_EQ(link.bus(call), "");
  EXPECT_LT(link.to_server.data().size(), Stream::default_capacity + 65UL * 1024);
  std::size_t answered = 0;
  for (std::size_t more = 1; more > 0; answered += more) {
    more = link.bus_heard().size();
    ASSERT_TRUE(link.advance());
  }
  EXPECT_EQ(answered, many);
}

TEST(DbusBounds, TakesNoDescriptorForAMessageThatHasBegun) {
  Header call = call_of(6, "org.pv.Allowed", "org.any", "Do");
  call.descriptors = 2;
  const std::string bytes = write_message(call, {});
  for (const std::size_t begun : {std::size_t{1}, measurable, bytes.size() - 2}) {
    Link link(default_rules);
    link.open(services);
    EXPECT_EQ(link.feed(link.from_client, bytes.substr(0, begun), some_descriptors(2)), "");
    EXPECT_EQ(link.mediator().patience(), std::chrono::seconds(60)) << begun;
    EXPECT_EQ(link.feed(link.from_client, bytes.substr(begun, 1), some_descriptors(1)),
              "from the client: D-Bus connection: descriptors that no message announces");
  }
}

TEST(DbusBounds, HoldsFewDescriptorsForWhoDoesNotRead) {
  Link link(default_rules);
  link.open(services);
  Header signal = from(":1.1", signal_of(5, "org.any", "Did"));
  signal.descriptors = 16;
  const std::string bytes = write_message(signal, {});
  for (int i = 0; i < 100 && link.from_server.room() > 0; ++i)
    EXPECT_EQ(link.feed(link.from_server, bytes, some_descriptors(16)), "");
  const auto count = [](const Stream& stream) {
    std::size_t descriptors = 0;
    for (const Pin& pin : stream.pins()) descriptors += pin.descriptors.size();
    return descriptors;
  };
  EXPECT_EQ(count(link.to_client), 64U);
  EXPECT_EQ(count(link.from_server), 256U);
  EXPECT_EQ(link.client_heard().size(), 4U);
}

}  // namespace
}  // namespace xc::mediate::dbus
