#include "mediate/dbus_auth.h"

#include "dbus_fixture.h"

namespace xc::mediate::dbus {
namespace {

constexpr std::string_view guid = "OK 0123456789abcdef0123456789abcdef\r\n";

/// One conversation: the client says, the bus says, the client hears, how it ends ("" = goes on).
struct Conversation {
  std::string_view name;
  std::string_view client;
  std::string_view bus;
  std::string client_hears;
  std::string_view error;
};

const std::string ok = std::string(guid);
constexpr std::string_view accepts = "DATA\r\nOK 0123456789abcdef0123456789abcdef\r\nAGREE_UNIX_FD\r\n";

const Conversation conversations[] = {
    {"one step, with descriptors", "\0AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"sv, accepts,
     ok + "AGREE_UNIX_FD\r\n", ""},
    {"bare, then DATA", "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n"sv, accepts, "DATA\r\n" + ok, ""},
    {"bare, then DATA with a claim", "\0AUTH EXTERNAL\r\nDATA 31303030\r\nBEGIN\r\n"sv, accepts, "DATA\r\n" + ok, ""},
    {"somebody else's uid", "\0AUTH EXTERNAL 3132333435\r\nBEGIN\r\n"sv, accepts, ok, ""},
    {"asks for mechanisms first", "\0AUTH\r\nAUTH EXTERNAL 30\r\nBEGIN\r\n"sv, accepts, "REJECTED EXTERNAL\r\n" + ok,
     ""},
    {"anonymous is refused", "\0AUTH ANONYMOUS 30\r\n"sv, accepts, "REJECTED EXTERNAL\r\n", ""},
    {"cookies are refused", "\0AUTH DBUS_COOKIE_SHA1 30\r\n"sv, accepts, "REJECTED EXTERNAL\r\n", ""},
    {"a mechanism that begins like ours", "\0AUTH EXTERNALX 30\r\n"sv, accepts, "REJECTED EXTERNAL\r\n", ""},
    {"a claim that is not hexadecimal", "\0AUTH EXTERNAL 3g\r\n"sv, accepts, "REJECTED EXTERNAL\r\n", ""},
    {"cancels and tries again", "\0AUTH EXTERNAL\r\nCANCEL\r\nAUTH EXTERNAL 30\r\nBEGIN\r\n"sv, accepts,
     "DATA\r\nREJECTED EXTERNAL\r\n" + ok, ""},
    {"the bus passes no descriptors", "\0AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"sv,
     "DATA\r\nOK 0123456789abcdef0123456789abcdef\r\nERROR\r\n", ok + "ERROR \"the bus passes no descriptors\"\r\n",
     ""},
    {"an unknown command", "\0FOO\r\nAUTH EXTERNAL 30\r\nBEGIN\r\n"sv, accepts,
     "ERROR \"not a command of this state\"\r\n" + ok, ""},
    {"BEGIN with a blank does not begin", "\0AUTH EXTERNAL 30\r\nBEGIN \r\n"sv, accepts,
     ok + "ERROR \"not a command of this state\"\r\n", ""},
    {"BEGIN with text does not begin", "\0AUTH EXTERNAL 30\r\nBEGIN now\r\n"sv, accepts,
     ok + "ERROR \"not a command of this state\"\r\n", ""},
    {"small letters do not begin", "\0AUTH EXTERNAL 30\r\nbegin\r\n"sv, accepts,
     ok + "ERROR \"not a command of this state\"\r\n", ""},
    {"a leading blank does not begin", "\0AUTH EXTERNAL 30\r\n BEGIN\r\n"sv, accepts,
     ok + "ERROR \"not a command of this state\"\r\n", ""},
    {"BEGIN with a tab", "\0AUTH EXTERNAL 30\r\nBEGIN\t\r\n"sv, accepts, ok,
     "D-Bus handshake: a line with bytes that are not printable ASCII"},
    {"BEGIN with LF alone", "\0AUTH EXTERNAL 30\r\nBEGIN\n"sv, accepts, ok,
     "D-Bus handshake: a line that does not end with CR LF"},
    {"BEGIN too early", "\0BEGIN\r\n"sv, accepts, "", "D-Bus handshake: BEGIN before the client was accepted"},
    {"no NUL first", "AUTH EXTERNAL 30\r\n", accepts, "", "D-Bus handshake: the first byte is not NUL"},
    {"a message instead of BEGIN", "\0AUTH EXTERNAL 30\r\nl\1\0\1\0\0\0\0\n"sv, accepts, ok,
     "D-Bus handshake: a line that does not end with CR LF"},
    {"the bus refuses us", "\0AUTH EXTERNAL 30\r\n"sv, "REJECTED EXTERNAL\r\n", "",
     "the bus refused to know us (EXTERNAL was rejected)"},
    {"the bus talks nonsense", "\0AUTH EXTERNAL 30\r\n"sv, "DATA\r\nOK 12\r\n", "",
     "D-Bus handshake: the bus said something other than DATA or OK"},
};

class DbusHandshake : public testing::TestWithParam<bool> {};

TEST_P(DbusHandshake, GoesAsTheTableSays) {
  for (const auto& row : conversations) {
    SCOPED_TRACE(row.name);
    Link link({.talk = {"org.pv.Allowed"}}, GetParam());
    EXPECT_TRUE(link.advance());
    const std::string said(link.to_server.data());
    EXPECT_TRUE(said.starts_with(Link::opening));
    std::string error = link.bus(row.bus);
    if (error.empty()) error = link.client(row.client);
    EXPECT_EQ(error, row.error);
    EXPECT_EQ(link.to_client.data(), row.client_hears);
    EXPECT_EQ(link.to_server.data(), said);  // nothing the client says now gets to the bus
  }
}

TEST_P(DbusHandshake, WaitsForTheBusAndThenAnswersPipelinedLines) {
  Link link({}, GetParam());
  EXPECT_EQ(link.client("\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"sv), "");
  EXPECT_EQ(link.to_client.data(), "DATA\r\n");
  EXPECT_EQ(link.bus("DATA\r\nOK 0123456789abcdef0123456789abcdef\r\n"), "");
  EXPECT_EQ(link.to_client.data(), "DATA\r\n");
  EXPECT_EQ(link.bus("AGREE_UNIX_FD\r\n"), "");
  EXPECT_EQ(link.to_client.data(), "DATA\r\n" + ok + "AGREE_UNIX_FD\r\n");
}

INSTANTIATE_TEST_SUITE_P(WholeAndByteByByte, DbusHandshake, testing::Bool());

TEST(DbusLogin, EndsAnEndlessLineAtSixteenKilobytes) {
  Link link({});
  EXPECT_EQ(link.client("\0"sv), "");
  EXPECT_EQ(link.client(std::string(max_line - 1, 'A')), "");
  EXPECT_EQ(link.client("A"), "D-Bus handshake: a line of more than 16 KiB");
}

TEST(DbusLogin, EndsAClientThatNeverComesToAnEnd) {
  Link link({});
  (void)link.advance();
  (void)link.bus(accepts);
  std::string text(1, '\0');
  for (int i = 0; i < 40; ++i) text += "AUTH\r\n";
  EXPECT_EQ(link.client(text), "D-Bus handshake: too many lines");
}

TEST(DbusLogin, KeepsADescriptorThatTheKernelGluedToTheHandshake) {
  Link link({.talk = {"org.pv.Allowed"}});
  EXPECT_EQ(link.client("\0AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\n"sv), "");
  EXPECT_EQ(link.bus(accepts), "");
  link.to_server.consume(Link::opening.size());
  Header call = call_of(2, "org.pv.Allowed", "org.pv.Iface", "Take");
  call.signature = "u";
  call.descriptors = 1;
  EXPECT_EQ(link.feed(link.from_client,
                      "BEGIN\r\n" + write_message(call_of(1, bus_name, bus_name, "Hello", bus_path), {}) +
                          write_message(call, "\0\0\0\0"sv),
                      some_descriptors(1)),
            "");
  link.answer_greeting({});
  EXPECT_EQ(lines(link.bus_heard()), std::vector<std::string>{"call org.pv.Allowed org.pv.Iface.Take"});
  EXPECT_EQ(link.tally.descriptors, 1U);
}

TEST(DbusLogin, SaysInAMessageWhyThereIsNoBus) {
  const struct {
    Upstream upstream;
    std::string_view error;
    std::string_view text;
  } table[] = {
      {Upstream::absent, "org.freedesktop.DBus.Error.NoServer", "nobody offers this link's bus now"},
      {Upstream::failed, "org.freedesktop.DBus.Error.NoServer", "this link's bus could not be reached"},
      {Upstream::denied, "org.freedesktop.DBus.Error.AccessDenied", "this link is refused by policy"},
  };
  for (const auto& row : table) {
    Link link({}, false, row.upstream);
    EXPECT_EQ(link.client("\0AUTH EXTERNAL 30\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"sv), "");
    EXPECT_EQ(link.to_client.data(),
              "OK 00000000000000000000000000000000\r\nERROR \"the bus passes no descriptors\"\r\n");
    link.to_client.consume(link.to_client.data().size());
    EXPECT_EQ(link.client(call_of(1, bus_name, bus_name, "Hello", bus_path)), "");
    const auto heard = link.client_heard();
    ASSERT_EQ(heard.size(), 1U);
    EXPECT_EQ(heard[0].error, row.error);
    EXPECT_EQ(heard[0].text(), row.text);
    EXPECT_TRUE(link.to_client.finished());
    EXPECT_TRUE(link.to_server.finished());
  }
}

}  // namespace
}  // namespace xc::mediate::dbus
