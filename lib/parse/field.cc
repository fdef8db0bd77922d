#include "parse/field.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "parse/words.h"

namespace xc::parse {
namespace {

constexpr std::size_t most_warnings = 64;  // of one document; validate.h knows no more than 256

bool fits_name(std::string_view text) {
  return text::is_name(text);
}
bool fits_pattern(std::string_view text) {
  return is_pattern(text) && !text.starts_with('@');
}

std::string counted(std::size_t count, std::string_view what) {
  return text::number(std::uint64_t{count}) + " " + std::string(what);
}

Result<std::vector<View>> bounded(View view, std::string_view what, std::size_t most) {
  std::vector<View> all = view.children();
  if (all.size() <= most) return all;
  return view.fail("holds " + counted(all.size(), what) + ", more than the " + text::number(std::uint64_t{most}) +
                   " allowed");
}

char folded(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Equal but for case, or, where there are letters enough to tell, but for one letter more, less, other or in the
/// neighbour's place.
bool is_near(std::string_view a, std::string_view b) {
  if (std::ranges::equal(a, b, {}, folded, folded)) return true;
  if (a.size() > b.size()) std::swap(a, b);
  if (a.size() < 4 || b.size() - a.size() > 1) return false;
  const auto split = static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
  const auto left = a.substr(split);
  const auto right = b.substr(split);
  if (a.size() < b.size()) return left == right.substr(1);
  if (left.substr(1) == right.substr(1)) return true;
  return left.size() > 1 && left[0] == right[1] && left[1] == right[0] && left.substr(2) == right.substr(2);
}

}  // namespace

namespace word {
const Word plain{is_plain, "a string without control characters that is not empty"};
const Word name{fits_name, "a name of at most 64 letters, digits, '_', '.' or '-' that does not begin with '.' or '-'"};
const Word provider{is_provider, "the name of a container, or \"@host\""};
const Word pattern{fits_pattern, "a pattern of at most 64 letters, digits, '_', '.', '-', '*' or '?'"};
const Word role{is_role, name.looks};  // and "lease:CONNECTOR"
const Word role_pattern{is_role_pattern, pattern.looks};
const Word provider_pattern{is_pattern, "a pattern of container names, or \"@host\""};
const Word variable{is_variable, "the name of a variable that does not steer how programs are found or loaded"};
const Word bus_name{is_bus_name, "a well-known bus name such as \"org.example.Name\""};
const Word bus_pattern{is_bus_pattern, "a bus name, or one with \".*\" behind it"};
const Word bus_rule{is_bus_rule, "a rule such as \"org.example.Name=org.example.Interface.Method@/path\""};
const Word interface{is_interface, "an interface such as \"org.example.Interface\""};
const Word member_pattern{is_member_pattern, "the name of a method or signal, or the beginning of one and '*'"};
const Word object_pattern{is_object_pattern, "an object path, or one with \"/*\" behind it"};
const Word method{is_method, "an HTTP method in capitals, or \"*\""};
const Word path_pattern{is_path_pattern, "a path pattern that begins with '/' and holds no blank, '?' or '#'"};
}  // namespace word

Result<std::string> read_word(View view, const Word& kind) {
  if (!view.is(Form::string) || !kind.fits(view.text())) return view.expected(kind.looks);
  return view.text();
}

Result<std::vector<std::string>> read_words(View view, const Word& kind, std::size_t least, std::size_t most) {
  std::vector<std::string> words;
  const std::vector<View> elements = XC_TRY(read_list(view, "strings", most));
  for (const View& element : elements) {
    words.push_back(XC_TRY(read_word(element, kind)));
    if (std::count(words.begin(), words.end(), words.back()) > 1)
      return element.fail("\"" + text::printable(words.back(), 64) + "\" stands there twice");
  }
  if (words.size() < least)
    return view.expected("a list of at least " + text::number(std::uint64_t{least}) + " string");
  return words;
}

Result<bool> read_flag(View view) {
  if (!view.is(Form::boolean)) return view.expected("true or false");
  return view.flag();
}

Result<std::uint64_t> read_number(View view, std::uint64_t most) {
  const auto number = view.number();
  if (!number || *number > most) return view.expected("a whole number from 0 to " + text::number(most));
  return *number;
}

Result<std::uint32_t> read_vchan_number(View view) {
  return static_cast<std::uint32_t>(XC_TRY(read_number(view, 0x7fffffffU)));
}

Result<std::vector<View>> read_list(View view, std::string_view what, std::size_t most) {
  if (!view.is(Form::list)) return view.expected("a list of " + std::string(what));
  return bounded(view, what, most);
}

Result<std::vector<View>> read_object(View view, std::string_view what, std::size_t most) {
  if (!view.is(Form::object)) return view.expected(what);
  return bounded(view, "members", most);
}

Result<View> read_member(View object, std::string_view name) {
  if (!object.is(Form::object)) return object.expected("an object");
  if (const auto member = object.find(name)) return *member;
  return object.fail("has no \"" + std::string(name) + "\", which it must have");
}

Result<std::string> read_key(View object, std::string_view name, const Word& kind) {
  const View member = XC_TRY(read_member(object, name));
  return read_word(member, kind);
}

Result<> read_key_if(View object, std::string_view name, const Word& kind, std::string& into) {
  if (const auto member = object.find(name)) into = XC_TRY(read_word(*member, kind));
  return {};
}

Result<> refuse_others(View object, std::initializer_list<std::string_view> known) {
  for (const View& member : object.children()) {
    if (member.name().starts_with('#') || std::ranges::find(known, member.name()) != known.end()) continue;
    std::vector<std::string> words;
    for (const std::string_view word : known) words.push_back("\"" + std::string(word) + "\"");
    return member.fail("is not known here, and ignoring it could grant too much; known are " + listed(words));
  }
  return {};
}

void warn(View view, std::string_view sentence, std::vector<std::string>& warnings) {
  if (warnings.size() < most_warnings) warnings.push_back(view.where() + ": " + std::string(sentence));
}

void warn_of_misspelt(View object, std::initializer_list<std::string_view> known, std::vector<std::string>& warnings) {
  for (const View& member : object.children()) {
    if (std::ranges::find(known, member.name()) != known.end()) continue;
    const auto meant = std::ranges::find_if(known, [&](auto word) { return is_near(member.name(), word); });
    if (meant != known.end())
      warn(member, "is not known and has no effect; did you mean \"" + std::string(*meant) + "\"?", warnings);
  }
}

std::string_view kind_by_spec(View root) {
  struct Row {
    std::string_view spec;
    std::string_view kind;
  };
  static constexpr std::array<Row, 3> rows{
      {{"service-manifest-run@", "run"}, {"service-manifest-xconnect@", "services"}, {"xconnect-policy@", "policy"}}};
  const auto spec = root.find("#spec");
  if (!spec || !spec->is(Form::string)) return "";
  const auto row = std::ranges::find_if(rows, [&](const Row& one) { return spec->text().starts_with(one.spec); });
  return row == rows.end() ? "" : row->kind;
}

Result<> check_spec(View root, std::string_view kind) {
  const auto said = kind_by_spec(root);
  if (said.empty() || said == kind) return {};
  return root.find("#spec")->fail("says that this is a " + std::string(said) + " document, and it is read as " +
                                  std::string(kind));
}

std::string listed(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " and " : ", ";
    out += words[i];
  }
  return out;
}

}  // namespace xc::parse
