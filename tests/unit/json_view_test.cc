// Documents: what is not JSON, what is JSON and refused, where an error says it is, and limits from both sides.
#include "parse/json_view.h"

#include <gtest/gtest.h>

#include "parse_error.h"

namespace xc::parse {
namespace {

std::string refusal(std::string_view text, const Limits& limits = manifest_limits) {
  return error_of(Document::parse(text, "f", limits));
}

struct Row {
  std::string_view text;
  std::string_view error;
};

TEST(JsonView, RefusesWhatIsNotJsonAndSaysWhere) {
  const Row rows[] = {
      {"", "f: is empty"},
      {"   ", "f:1:4: not JSON: unexpected end of input; expected '[', '{', or a literal"},
      {"{", "f:1:2: not JSON: unexpected end of input; expected string literal"},
      {"{\"a\" \"b\"}", "f:1:8: not JSON: unexpected string literal; expected ':'"},
      {"[1,]", "f:1:4: not JSON: unexpected ']'; expected '[', '{', or a literal"},
      {"{\n \"a\":1,\n}", "f:3:1: not JSON: unexpected '}'; expected string literal"},
      {"{} x", "f:1:4: not JSON: invalid literal; last read: '{} x'; expected end of input"},
      {"{}{}", "f:1:3: not JSON: unexpected '{'; expected end of input"},
      {"[// remark\n1]", "f:1:2: not JSON: invalid literal; last read: '[/'"},
      {"['a']", "f:1:2: not JSON: invalid literal; last read: '['"},
      {"[\"a\tb\"]",
       "f:1:4: not JSON: invalid string: control character U+0009 (HT) must be escaped to \\u0009 or \\t; "
       "last read: '\"a<U+0009>'"},
      {R"(["\q"])", "f:1:4: not JSON: invalid string: forbidden character after backslash; last read: '\"\\q'"},
  };
  for (const auto& [text, error] : rows) {
    const std::string found = refusal(text);
    EXPECT_TRUE(found.starts_with(error)) << text << "\n" << found;
  }
}

TEST(JsonView, RefusesNumbersThatAreNotJsonOrOutOfRange) {
  const Row rows[] = {
      {"[1e999]", "f:1:6: not JSON: number overflow parsing '1e999'"},
      {"[-0]", "f:1:4: a zero with a minus sign is not accepted"},
      {"[-0.0]", "f:1:6: a zero with a minus sign is not accepted"},
      {"[18446744073709551616]", "f:1:22: the number 18446744073709551616 is out of range"},
      {"[-9223372036854775809]", "f:1:22: the number -9223372036854775809 is out of range"},
      {"[0x10]", "f:1:3: not JSON: invalid literal"},
      {"[01]", "f:1:3: not JSON: unexpected number literal"},
      {"[+1]", "f:1:2: not JSON: invalid literal"},
      {"[.5]", "f:1:2: not JSON: invalid literal"},
      {"[1.]", "f:1:4: not JSON: invalid number"},
      {"[NaN]", "f:1:2: not JSON: invalid literal"},
      {"[Infinity]", "f:1:2: not JSON: invalid literal"},
  };
  for (const auto& [text, error] : rows) EXPECT_TRUE(refusal(text).starts_with(error)) << text << "\n" << refusal(text);
  for (const char* good : {"[18446744073709551615]", "[-9223372036854775808]", "[0]", "[0.0]", "[1e308]", "[-1]"})
    EXPECT_EQ(refusal(good), "") << good;
}

TEST(JsonView, RefusesDuplicateKeysAtAnyDepthAndPointsAtTheSecond) {
  EXPECT_EQ(refusal(R"({"role":"viewer","role":"admin"})"), "f:1:18: duplicate key \"role\"");
  EXPECT_EQ(refusal("{\"a\":[{\"x\":1,\n  \"x\":1}]}"), "f:2:3: duplicate key \"x\"");
  EXPECT_EQ(refusal(R"({"role":1,"\u0072ole":2})"), "f:1:11: duplicate key \"role\"");
  EXPECT_EQ(refusal(R"({"\"":1,"\"":2})"), "f:1:9: duplicate key \"\"\"");
  EXPECT_EQ(refusal(R"({"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]})"), "");
}

TEST(JsonView, RefusesNulByteOrderMarkAndBrokenUtf8) {
  EXPECT_EQ(refusal(std::string_view("{}\0{}", 5)), "f:1:3: a NUL byte");
  EXPECT_EQ(refusal(std::string_view("{}\n\0", 4)), "f:2:1: a NUL byte");
  EXPECT_EQ(refusal(R"(["a\u0000b"])"), "f:1:2: a string with a NUL in it");
  EXPECT_EQ(refusal("\xef\xbb\xbf{}"), "f: begins with a byte order mark; remove it");
  EXPECT_EQ(refusal("[\"\xff\"]"), "f: is not UTF-8");
  EXPECT_EQ(refusal("[\"\xc0\xaf\"]"), "f: is not UTF-8");
  EXPECT_TRUE(refusal(R"(["\ud800"])").starts_with("f:1:9: not JSON: invalid string: surrogate"));
}

TEST(JsonView, HoldsItsLimitsExactly) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(refusal(nested(16)), "");
  EXPECT_EQ(refusal(nested(17)), "f:1:17: nested deeper than the 16 levels allowed");
  EXPECT_EQ(refusal(nested(64), engine_limits), "");
  EXPECT_EQ(refusal(nested(65), engine_limits), "f:1:65: nested deeper than the 64 levels allowed");

  const auto quoted = [](std::size_t size) { return "[\"" + std::string(size, 'a') + "\"]"; };
  EXPECT_EQ(refusal(quoted(4095)), "");
  EXPECT_EQ(refusal(quoted(4096)), "f:1:2: a string of 4096 bytes, more than the 4095 allowed");
  EXPECT_EQ(refusal("{\"" + std::string(4096, 'a') + "\":1}"),
            "f:1:2: a string of 4096 bytes, more than the 4095 allowed");

  const auto padded = [](std::size_t size) { return "[" + std::string(size - 2, ' ') + "]"; };
  EXPECT_EQ(refusal(padded(65536)), "");
  EXPECT_EQ(refusal(padded(65537)), "f: is larger than the 65536 bytes allowed");
  EXPECT_EQ(refusal(padded(1048576), engine_limits), "");
  EXPECT_EQ(refusal(padded(1048577), engine_limits), "f: is larger than the 1048576 bytes allowed");

  std::string many = "[";
  for (int i = 0; i < 65535; ++i) many += i == 0 ? "0" : ",0";
  EXPECT_EQ(refusal(many + "]", engine_limits), "");
  EXPECT_TRUE(refusal(many + ",0]", engine_limits).ends_with("more than the 65536 values allowed"));
}

TEST(JsonView, ManyKeysInOneObjectAreNoTrouble) {
  std::string text = "{";
  for (int i = 0; i < 60000; ++i) text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":0";
  EXPECT_EQ(refusal(text + "}", engine_limits), "");
  EXPECT_TRUE(refusal(text + ",\"59999\":0}", engine_limits).ends_with("duplicate key \"59999\""));
}

TEST(JsonView, PlacesKnowTheirPointer) {
  const auto document = Document::parse(R"({"a/b":[0,{"c~":[]}],"\u001b":{}})", "f", manifest_limits);
  ASSERT_TRUE(document);
  const View root = document->root();
  EXPECT_EQ(root.where(), "f");
  const View inner = root.find("a/b")->children()[1];
  EXPECT_EQ(inner.where(), "f: /a~1b/1");
  EXPECT_EQ(inner.find("c~")->where(), "f: /a~1b/1/c~0");
  EXPECT_EQ(root.find("\x1b")->where(), "f: /\\x1b");
  EXPECT_FALSE(root.find("a"));
  EXPECT_FALSE(inner.find("c~")->find("x"));
}

TEST(JsonView, ErrorsSayWhatWasFound) {
  const auto document =
      Document::parse(R"([null,true,false,3,-4,1.5,"a\u0007",[],[1],{},{"a":1}])", "f", manifest_limits);
  ASSERT_TRUE(document);
  const char* found[] = {"null",
                         "true",
                         "false",
                         "a number (3)",
                         "a number (-4)",
                         "a number (1.5)",
                         "a string (\"a\\x07\")",
                         "an empty list",
                         "a list",
                         "an empty object",
                         "an object"};
  std::size_t i = 0;
  for (const View& view : document->root().children()) {
    EXPECT_EQ(view.expected("x").error().text, "f: /" + std::to_string(i) + ": expected x, found " + found[i]);
    ++i;
  }
  EXPECT_EQ(i, std::size(found));
}

TEST(JsonView, AHostileFileNameCannotWriteLogLines) {
  const auto document = Document::parse("[", "a\nb", manifest_limits);
  EXPECT_TRUE(error_of(document).starts_with("a\\x0ab:1:2: ")) << error_of(document);
}

}  // namespace
}  // namespace xc::parse
