// Descriptors, bodies, bounds and ends.
#include "dbus_conversation.h"
#include "mediate/dbus_serials.h"

namespace xc::mediate::dbus {
namespace {

/// `message`, which has no body, with one more header field: `code`, holding a byte.
std::string with_field(std::string message, char code) {
  const std::size_t end = 16 + static_cast<unsigned char>(message[12]);
  message.resize((end + 7) / 8 * 8);
  message += {code, 1, 'y', 0, 7};
  message[12] = static_cast<char>(message.size() - 16);
  message.resize((message.size() + 7) / 8 * 8);
  return message;
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

TEST_P(Dbus, EndsAConnectionThatSlipsADescriptorIntoABody) {
  const std::string message = write_message(with_strings(call_of(5, "org.pv.Allowed", "org.any", "Put"), "s"),
                                            string_body(Order::little, std::string(100000, 'x')));
  EXPECT_EQ(link.client(std::string_view(message).substr(0, 40000)), "");
  EXPECT_EQ(link.feed(link.from_client, std::string_view(message).substr(40000, 10), some_descriptors(1)),
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

TEST_P(Dbus, StopsInsideABodyWhenTheOtherSideDoesNotRead) {
  link.from_client.append(write_message(with_strings(call_of(5, "org.pv.Allowed", "org.any", "Put"), "s"),
                                        string_body(Order::little, std::string(300000, 'x'))));
  ASSERT_TRUE(link.advance());
  EXPECT_LE(link.to_server.data().size(), Stream::default_capacity);
  EXPECT_GT(link.to_server.data().size(), Stream::default_capacity / 2);
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
      {with_field(write_message(call_of(5, "org.pv.Allowed", "org.any", "Do"), {}), 77),
       "from the client: D-Bus message: a header field that is not known"},
      {"GET / HTTP/1.1\r\n\r\n", "from the client: D-Bus message: it does not begin with a byte order"},
  };
  for (const auto& row : table) {
    Link fresh(default_rules, GetParam());
    fresh.open(services);
    EXPECT_EQ(fresh.client(row.bytes), row.error);
    EXPECT_TRUE(fresh.bus_heard().empty());
  }
}

TEST_P(Dbus, TakesFieldsOfTheFutureOutOfWhatTheBusSends) {
  const std::string plain = write_message(from(":1.1", signal_of(5, "org.any", "Did")), {});
  EXPECT_EQ(link.bus(with_field(plain, 77)), "");
  EXPECT_EQ(link.to_client.data(), plain);
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

TEST_P(Dbus, SeesTheEndOfEitherSideAlthoughTheOtherTakesNothing) {
  link.to_server.append(std::string(Stream::default_capacity, '\0'));
  link.from_client.end();
  ASSERT_TRUE(link.advance());
  EXPECT_TRUE(link.to_server.ended());
  Link other(default_rules, GetParam());
  other.open(services);
  other.to_client.append(std::string(Stream::default_capacity, '\0'));
  other.from_server.end();
  ASSERT_TRUE(other.advance());
  EXPECT_TRUE(other.to_client.ended());
}

}  // namespace
}  // namespace xc::mediate::dbus
