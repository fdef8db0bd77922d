#include "parse/position.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "base/text.h"
#include "parse/json_view.h"

namespace xc::parse {
namespace {

struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Walks over text that is known to be JSON (Document::parse() took it), so nothing is checked twice here.
class Walk {
 public:
  Walk(std::string_view text, std::string_view question) : text_(text) {
    if (question.starts_with('=')) wanted_ = std::string(question.substr(1));
    names_ = question.starts_with('#');
    if (names_) question.remove_prefix(1);
    if (question.starts_with('/')) pointer_ = std::string(question);
  }

  std::optional<Span> find() {
    value("", 0, std::nullopt);
    if (wanted_) return found_;
    return nearest_;
  }

 private:
  void blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }
  Span string() {
    const std::size_t begin = at_;
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_)
      if (text_[at_] == '\\') ++at_;
    return {begin, ++at_};
  }
  /// A key as a step of a pointer prints it. Escapes other than of quote and backslash stay as they are written.
  [[nodiscard]] std::string step(Span key) const {
    std::string name;
    for (std::size_t i = key.begin + 1; i + 1 < key.end; ++i) {
      if (text_[i] == '\\' && (text_[i + 1] == '"' || text_[i + 1] == '\\')) ++i;
      name += text_[i] == '~' ? "~0" : text_[i] == '/' ? "~1" : std::string(1, text_[i]);
    }
    return "/" + text::printable(name, 64);
  }
  void note(const std::string& path, Span span, const std::optional<Span>& key) {
    if (pointer_ == path) nearest_ = names_ ? key.value_or(span) : span;
    // Something inside that is not there: the thing around it, best by its name.
    if (path.size() >= best_ && pointer_ != path && (path.empty() || pointer_.starts_with(path + "/"))) {
      best_ = path.size();
      nearest_ = key.value_or(Span{span.begin, span.begin + 1});
    }
  }
  void value(const std::string& path, int depth, const std::optional<Span>& key) {
    blanks();
    const std::size_t begin = at_;
    if (at_ >= text_.size() || depth > 64) return;
    if (text_[at_] == '{' || text_[at_] == '[') {
      note(path, {begin, begin + 1}, key);
      members(path, depth, text_[at_] == '{');
      return;
    }
    if (text_[at_] == '"') {
      const Span span = string();
      if (wanted_ && !found_ && text_.substr(span.begin + 1, span.end - span.begin - 2) == *wanted_) found_ = span;
      note(path, span, key);
      return;
    }
    while (at_ < text_.size() && std::string_view(",]} \t\r\n").find(text_[at_]) == std::string_view::npos) ++at_;
    note(path, {begin, at_}, key);
  }
  void members(const std::string& path, int depth, bool object) {
    ++at_;
    for (unsigned index = 0;; ++index) {
      blanks();
      if (at_ >= text_.size() || text_[at_] == '}' || text_[at_] == ']') break;
      std::optional<Span> key;
      if (object) {
        key = string();
        blanks();
        ++at_;  // the colon
      }
      value(path + (object ? step(*key) : "/" + text::number(index)), depth + 1, key);
      blanks();
      if (at_ < text_.size() && text_[at_] == ',') ++at_;
    }
    ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string pointer_;
  bool names_ = false;
  std::optional<std::string> wanted_;
  std::optional<Span> found_;
  std::optional<Span> nearest_;
  std::size_t best_ = 0;
};

}  // namespace

model::Position locate(std::string_view text, std::string_view question) {
  if (!Document::parse(text, "", engine_limits)) return {};
  const auto span = Walk(text, question).find();
  if (!span) return {};
  const std::string_view before = text.substr(0, span->begin);
  const auto line = static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n')) + 1;
  const std::size_t start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return {line, static_cast<std::uint32_t>(span->begin - start) + 1,
          static_cast<std::uint32_t>(std::max<std::size_t>(span->end - span->begin, 1))};
}

}  // namespace xc::parse
