#include "parse/containers_conf.h"

#include "base/text.h"

namespace xc::parse {
namespace {

constexpr int deepest = 32;  // values in values
const std::string wanted_key = "engine.hooks_dir";

/// Walks through a document once.
class Toml {
 public:
  explicit Toml(std::string_view text) : text_(text) {}

  Result<std::optional<HooksDir>> find();

 private:
  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }
  [[nodiscard]] char next() const { return at_end() ? '\0' : text_[at_]; }
  [[nodiscard]] bool begins(std::string_view word) const { return text_.substr(at_).starts_with(word); }
  [[nodiscard]] std::unexpected<Error> wrong(std::string_view expected) const {
    return fail(Kind::manifest, "line " + text::number(line_) + ": expected " + std::string(expected));
  }
  void step(std::size_t count = 1);
  void skip_blanks(bool lines);
  Result<std::string> key();
  Result<std::string> dotted_key();
  Result<std::string> quoted();
  Result<> header();
  Result<> pair(const std::string& table, int depth);
  Result<> value(const std::string& key, int depth);
  Result<> array(const std::string& key, int depth);
  Result<> inline_table(const std::string& key, int depth);
  void plain();

  std::string_view text_;
  std::size_t at_ = 0;
  unsigned line_ = 1;
  std::string table_;
  std::optional<HooksDir> found_;
};

bool is_bare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

void Toml::step(std::size_t count) {
  for (; count > 0 && !at_end(); --count) line_ += text_[at_++] == '\n' ? 1U : 0U;
}

/// And remarks; `lines`: ends of lines as well.
void Toml::skip_blanks(bool lines) {
  for (;;) {
    const char c = next();
    if (at_end()) return;
    if (c == '#')
      while (!at_end() && next() != '\n') step();
    else if (c == ' ' || c == '\t' || c == '\r' || (lines && c == '\n'))
      step();
    else
      return;
  }
}

/// In quotes of any of the four kinds. Escapes stay as they are: no directory of hooks needs one.
Result<std::string> Toml::quoted() {
  const char mark = next();
  const std::string three(3, mark);
  const std::string end = begins(three) ? three : std::string(1, mark);
  step(end.size());
  std::string inside;
  while (!begins(end)) {
    if (at_end() || (end.size() == 1 && next() == '\n')) return wrong("the end of a text in quotes");
    const std::size_t count = mark == '"' && next() == '\\' ? 2 : 1;
    inside += text_.substr(at_, count);
    step(count);
  }
  step(end.size());
  return inside;
}

Result<std::string> Toml::key() {
  if (next() == '"' || next() == '\'') return quoted();
  const std::size_t from = at_;
  while (is_bare(next())) step();
  if (at_ == from) return wrong("a key");
  return std::string(text_.substr(from, at_ - from));
}

Result<std::string> Toml::dotted_key() {
  std::string whole = XC_TRY(key());
  for (;;) {
    skip_blanks(false);
    if (next() != '.') return whole;
    step();
    skip_blanks(false);
    whole += "." + XC_TRY(key());
  }
}

Result<> Toml::header() {
  const bool of_many = begins("[[");
  step(of_many ? 2 : 1);
  skip_blanks(false);
  table_ = XC_TRY(dotted_key());
  if (!begins(of_many ? "]]" : "]")) return wrong("\"]\" behind the name of a table");
  step(of_many ? 2 : 1);
  if (of_many) table_ += "[]";
  return {};
}

Result<> Toml::pair(const std::string& table, int depth) {
  const std::string name = XC_TRY(dotted_key());
  if (next() != '=') return wrong("\"=\" behind a key");
  step();
  skip_blanks(false);
  return value(table.empty() ? name : table + "." + name, depth);
}

/// A number, a time, true or false.
void Toml::plain() {
  while (!at_end() && std::string_view(",]}#\n").find(next()) == std::string_view::npos) step();
}

Result<> Toml::value(const std::string& key, int depth) {
  if (depth > deepest) return wrong("fewer values in values");
  const unsigned line = line_;
  const char c = next();
  if (key == wanted_key && c == '[') found_ = HooksDir{line, {}, false};
  if (c == '[') return array(key, depth);
  if (c == '{') return inline_table(key, depth);
  if (c != '"' && c != '\'') {
    const std::size_t before = at_;
    plain();
    return at_ == before ? Result<>(wrong("a value")) : Result<>();
  }
  auto text = XC_TRY(quoted());
  if (found_ && key == wanted_key + "[]") found_->directories.push_back(std::move(text));
  return {};
}

Result<> Toml::array(const std::string& key, int depth) {
  step();
  for (skip_blanks(true); next() != ']'; skip_blanks(true)) {
    if (at_end()) return wrong("\"]\" at the end of a list");
    XC_CHECK(value(key + "[]", depth + 1));
    skip_blanks(true);
    if (next() == ',') step();
  }
  step();
  return {};
}

Result<> Toml::inline_table(const std::string& key, int depth) {
  step();
  for (skip_blanks(true); next() != '}'; skip_blanks(true)) {
    const std::size_t before = at_;
    XC_CHECK(pair(key, depth + 1));
    if (found_ && key == wanted_key + "[]" && text_.substr(before, at_ - before).find("append") == 0)
      found_->append = text_.substr(before, at_ - before).find("true") != std::string_view::npos;
    skip_blanks(true);
    if (next() == ',') step();
  }
  step();
  return {};
}

Result<std::optional<HooksDir>> Toml::find() {
  for (skip_blanks(true); !at_end(); skip_blanks(true)) {
    XC_CHECK(next() == '[' ? header() : pair(table_, 0));
    skip_blanks(false);
    if (!at_end() && next() != '\n') return wrong("the end of the line");
  }
  return found_;
}

}  // namespace

Result<std::optional<HooksDir>> hooks_dir_of(std::string_view text) {
  return Toml(text).find();
}

}  // namespace xc::parse
