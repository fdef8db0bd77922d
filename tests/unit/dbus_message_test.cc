#include "mediate/dbus_message.h"

#include "dbus_fixture.h"

namespace xc::mediate::dbus {
namespace {

/// A header out of raw parts, little endian: fields as (code, type, value bytes).
struct RawField {
  std::uint8_t code;
  std::string_view type;
  std::string_view text;  // for s, o and g
  std::uint32_t number = 0;
};

std::string raw(std::uint8_t type, const std::vector<RawField>& fields, std::uint32_t serial = 1,
                std::uint32_t body = 0) {
  Writer writer(Order::little);
  writer.byte('l');
  writer.byte(type);
  writer.byte(0);
  writer.byte(1);
  writer.uint32(body);
  writer.uint32(serial);
  writer.uint32(0);
  for (const RawField& field : fields) {
    writer.align(8);
    writer.byte(field.code);
    writer.signature(field.type);
    if (field.type == "g") {
      writer.signature(field.text);
    } else if (field.type == "u") {
      writer.uint32(field.number);
    } else {
      writer.string(field.text);
    }
  }
  writer.patch(12, static_cast<std::uint32_t>(writer.size() - 16));
  writer.align(8);
  return writer.take();
}

const RawField a_path = {1, "o", "/a"};
const RawField a_member = {3, "s", "M"};

std::string refusal(const std::string& bytes) {
  const auto header = parse_header(bytes);
  return header ? "" : header.error().text;
}

TEST(DbusMessage, ReadsBackWhatItWroteInBothByteOrders) {
  for (const Order order : {Order::little, Order::big}) {
    Header header = call_of(0xfffffffe, "org.pv.Allowed", "org.pv.Iface", "Do", "/org/pv/one");
    header.order = order;
    header.flags = no_reply_expected | no_auto_start;
    header.signature = "s";
    header.descriptors = 2;
    const std::string bytes = write_message(header, string_body(order, "hello"));
    const auto extent = measure(bytes);
    ASSERT_TRUE(extent);
    EXPECT_EQ(extent->header + extent->body, bytes.size());
    const auto read = parse_header(std::string_view(bytes).substr(0, extent->header));
    ASSERT_TRUE(read) << read.error().text;
    EXPECT_EQ(read->serial, 0xfffffffeU);
    EXPECT_EQ(read->destination, "org.pv.Allowed");
    EXPECT_EQ(read->interface, "org.pv.Iface");
    EXPECT_EQ(read->member, "Do");
    EXPECT_EQ(read->path, "/org/pv/one");
    EXPECT_EQ(read->descriptors, 2U);
    EXPECT_EQ(read->flags, 3);
    EXPECT_TRUE(is_body(std::string_view(bytes).substr(extent->header), "s", order));
  }
}

TEST(DbusMessage, RefusesEveryHeaderThatCouldBeReadInTwoWays) {
  const struct {
    std::string bytes;
    std::string_view text;
  } table[] = {
      {raw(1, {a_path, a_member, {6, "s", "org.a.B"}, {6, "s", "org.a.C"}}), "header field 6 appears twice"},
      {raw(1, {a_path, a_path, a_member}), "header field 1 appears twice"},
      {raw(1, {a_path, a_member, a_member}), "header field 3 appears twice"},
      {raw(1, {a_path, a_member, {2, "s", "a.b"}, {2, "s", "a.c"}}), "header field 2 appears twice"},
      {raw(1, {a_path, a_member, {6, "o", "/a"}}), "header field 6 has the wrong type"},
      {raw(1, {a_path, a_member, {6, "g", "s"}}), "header field 6 has the wrong type"},
      {raw(1, {a_path, a_member, {6, "u", "", 3}}), "header field 6 has the wrong type"},
      {raw(1, {{1, "s", "/a"}, a_member}), "header field 1 has the wrong type"},
      {raw(1, {a_path, a_member, {6, "s", "org..B"}}), "header field 6 has a value that is not allowed"},
      {raw(1, {a_path, a_member, {6, "s", ""}}), "header field 6 has a value that is not allowed"},
      {raw(1, {a_path, a_member, {6, "s", "org.a.B\0x"sv}}), "header field 6 has a value that is not allowed"},
      {raw(1, {a_path, a_member, {6, "s", "org.a.B "}}), "header field 6 has a value that is not allowed"},
      {raw(1, {a_path, a_member, {6, "s", "org.\xff.B"}}), "header field 6 has a value that is not allowed"},
      {raw(1, {a_path, a_member, {6, "s", std::string(300, 'a') + ".b"}}),
       "header field 6 has a value that is not allowed"},
      {raw(1, {{1, "o", "/a//b"}, a_member}), "header field 1 has a value that is not allowed"},
      {raw(1, {{1, "o", "/org/freedesktop/DBus/Local"}, a_member}), "header field 1 has a value that is not allowed"},
      {raw(1, {a_path, a_member, {2, "s", "noelements"}}), "header field 2 has a value that is not allowed"},
      {raw(2, {{5, "u", "", 0}}), "header field 5 has a value that is not allowed"},
      {raw(1, {a_path, a_member, {0, "s", "x"}}), "a header field has no code or not one type"},
      {raw(1, {a_path, a_member, {77, "ss", "x"}}), "a header field has no code or not one type"},
      {raw(1, {a_path, a_member, {10, "s", "x"}}), "header field 10 has the wrong type"},
      {raw(1, {a_path}), "a header field that its type needs is missing"},
      {raw(4, {a_path, a_member}), "a header field that its type needs is missing"},
      {raw(3, {{5, "u", "", 1}}), "a header field that its type needs is missing"},
      {raw(2, {}), "a header field that its type needs is missing"},
      {raw(1, {a_path, a_member}, 0), "serial 0"},
      {raw(0, {a_path, a_member}), "type 0"},
      {raw(1, {a_path, a_member}, 1, 4), "a body needs a signature and a signature a body"},
      {raw(1, {a_path, a_member, {8, "g", "s"}}), "a body needs a signature and a signature a body"},
      {raw(1, {a_path, a_member, {8, "g", "a"}}, 1, 4), "header field 8 has a value that is not allowed"},
  };
  for (const auto& row : table) EXPECT_EQ(refusal(row.bytes), "D-Bus message: " + std::string(row.text));
}

TEST(DbusMessage, AcceptsAFieldOfTheFutureAndDoesNotPassItOn) {
  const std::string bytes = raw(1, {a_path, a_member, {77, "s", "x"}});  // the header's texts lie in it
  const auto header = parse_header(bytes);
  ASSERT_TRUE(header);
  EXPECT_TRUE(header->unknown_field);
  EXPECT_EQ(write_header(*header), raw(1, {a_path, a_member}));
}

TEST(DbusMessage, RefusesADeclaredLengthBeforeAnythingIsAllocated) {
  std::string bytes = raw(1, {a_path, a_member, {8, "g", "ay"}}, 1, 128U * 1024 * 1024);
  auto extent = measure(bytes);
  ASSERT_FALSE(extent);
  EXPECT_EQ(extent.error().text, "D-Bus message: body of 134217728 bytes, at most 128 MiB in a message");
  bytes[13] = '\xff';  // length of the fields
  extent = measure(bytes);
  ASSERT_FALSE(extent);
  EXPECT_EQ(extent.error().text, "D-Bus message: header of 65320 bytes, at most 32768");
}

TEST(DbusMessage, RefusesWhatIsNotVersionOneOrHasNoByteOrder) {
  std::string bytes = raw(1, {a_path, a_member});
  bytes[3] = 2;
  EXPECT_EQ(refusal(bytes), "D-Bus message: protocol version is not 1");
  bytes[0] = 'x';
  EXPECT_EQ(refusal(bytes), "D-Bus message: it does not begin with a byte order");
}

TEST(DbusMessage, RefusesPaddingThatIsNotZero) {
  std::string bytes = raw(1, {a_path, a_member});
  ASSERT_EQ(bytes.back(), '\0');
  bytes.back() = 'x';
  EXPECT_EQ(refusal(bytes), "D-Bus message: padding after the header is not zero");
}

TEST(DbusSyntax, KnowsNamesPathsAndSignatures) {
  EXPECT_TRUE(is_well_known_name("org.a-b.C_1"));
  EXPECT_FALSE(is_well_known_name("org"));
  EXPECT_FALSE(is_well_known_name("org.1a"));
  EXPECT_FALSE(is_well_known_name(".org.a"));
  EXPECT_FALSE(is_well_known_name("org.a."));
  EXPECT_TRUE(is_unique_name(":1.42"));
  EXPECT_FALSE(is_unique_name(":1"));
  EXPECT_FALSE(is_interface("org.a-b"));
  EXPECT_TRUE(is_object_path("/"));
  EXPECT_FALSE(is_object_path("/a/"));
  EXPECT_FALSE(is_object_path("a"));
  EXPECT_TRUE(is_signature("a{sv}(iiay)v"));
  EXPECT_FALSE(is_signature("a"));
  EXPECT_FALSE(is_signature("()"));
  EXPECT_FALSE(is_signature("{ss}"));
  EXPECT_FALSE(is_signature("a{vs}"));
  EXPECT_FALSE(is_signature("(i"));
  EXPECT_FALSE(is_signature(std::string(33, 'a') + "y"));
  EXPECT_TRUE(is_signature(std::string(32, 'a') + "y"));
  EXPECT_TRUE(is_within("org.a.B", "org.a"));
  EXPECT_FALSE(is_within("org.ab", "org.a"));
}

TEST(DbusValue, ChecksABodyAgainstItsSignature) {
  Writer writer(Order::big);
  writer.uint32(8);
  writer.align(8);
  writer.uint32(1);
  writer.uint32(2);
  const std::string body = writer.take();
  EXPECT_TRUE(is_body(body, "a(uu)", Order::big));
  EXPECT_FALSE(is_body(body, "a(uu)", Order::little));
  EXPECT_FALSE(is_body(body, "a(uuu)", Order::big));
  EXPECT_FALSE(is_body(body + "x", "a(uu)", Order::big));
  EXPECT_FALSE(is_body("\2\0\0\0"sv, "b", Order::little));
  EXPECT_TRUE(is_body("\1\0\0\0"sv, "b", Order::little));
  EXPECT_TRUE(is_body("\1s\0\0\1\0\0\0x\0"sv, "v", Order::little));
  EXPECT_FALSE(is_body("\2ss\0\1\0\0\0x\0"sv, "v", Order::little));
  EXPECT_FALSE(is_body("\1\0\0\0\xff\0"sv, "s", Order::little));
  EXPECT_FALSE(is_body("\4\0\0\0x\0"sv, "s", Order::little));
  EXPECT_TRUE(is_body("\0\0\0\0\0\0\0\0"sv, "ax", Order::little));
}

TEST(DbusValue, RefusesVariantsThatNestBeyondReason) {
  std::string body;
  for (int i = 0; i < 70; ++i) body += "\1v\0"sv;
  body += "\1y\0\7"sv;
  EXPECT_FALSE(is_body(body, "v", Order::little));
  EXPECT_TRUE(is_body(std::string_view(body).substr(3 * 20), "v", Order::little));
}

}  // namespace
}  // namespace xc::mediate::dbus
