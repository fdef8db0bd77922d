// See proposal.h.
#include "parse/proposal.h"

#include "parse/engine.h"
#include "parse/json_view.h"

namespace xc::parse {
namespace {

/// Finds where lists end in a text that is known to be good JSON, so every step has only one way to go on.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  /// The end of the list that the names lead to; nothing when there is none.
  std::optional<model::Gap> find(std::string_view path) {
    return seek(path) && here() == '[' ? std::optional(list_end()) : std::nullopt;
  }

  /// Just behind the bracket that opens the list or object that the names lead to; nothing when there is none.
  std::optional<model::Gap> open(std::string_view path) {
    if (!seek(path) || (here() != '[' && here() != '{')) return std::nullopt;
    const std::size_t behind = ++at_;
    blank();
    return model::Gap{behind, here() == ']' || here() == '}'};
  }

  /// Where rules of the filter name connect(2).
  std::vector<model::Span> connects() {
    std::vector<model::Span> found;
    if (!seek("linux/seccomp/syscalls") || here() != '[') return found;
    ++at_;
    blank();
    while (here() != ']' && here() != '\0') {
      Scanner rule(*this);
      if (rule.seek("names") && rule.here() == '[') rule.collect("connect", found);
      skip();
      blank();
      if (here() == ',') ++at_, blank();
    }
    return found;
  }

 private:
  /// The elements of the list at hand that say `word`.
  void collect(std::string_view word, std::vector<model::Span>& found) {
    std::size_t before = ++at_;  // the last comma, or where the list begins
    for (blank(); here() != ']' && here() != '\0'; blank()) {
      const std::size_t begin = at_;
      bool wanted = false;
      if (here() == '"')
        wanted = string() == word;
      else
        skip();
      const std::size_t end = at_;
      blank();
      const bool more = here() == ',';
      if (wanted && more) found.push_back({begin, at_ + 1 - begin});
      if (wanted && !more) found.push_back({before, end - before});
      before = at_;
      if (more) ++at_;
    }
  }

  /// To the value that the names lead to, from the value at hand inwards.
  bool seek(std::string_view path) {
    blank();
    if (path.empty()) return true;
    if (here() != '{') return false;
    const auto slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    const std::string_view rest = slash == std::string_view::npos ? "" : path.substr(slash + 1);
    for (++at_, blank(); here() != '}' && here() != '\0'; blank()) {
      const std::string_view key = string();
      blank();
      ++at_;  // the colon
      if (key == name) return seek(rest);
      skip();
      blank();
      if (here() == ',') ++at_, blank();
    }
    return false;
  }
  [[nodiscard]] char here() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void blank() {
    while (here() == ' ' || here() == '\t' || here() == '\n' || here() == '\r') ++at_;
  }
  /// A string as it is written, without its quotes.
  std::string_view string() {
    const std::size_t start = ++at_;
    while (here() != '"' && here() != '\0') at_ += here() == '\\' ? 2U : 1U;
    const std::string_view inner = text_.substr(start, at_ - start);
    ++at_;
    return inner;
  }
  /// Over the value at hand.
  void skip() {
    std::size_t depth = 0;
    do {
      blank();
      const char c = here();
      if (c == '"') {
        (void)string();
      } else if (c == '{' || c == '[') {
        ++depth, ++at_;
      } else if (c == '}' || c == ']') {
        --depth, ++at_;
      } else if (c == ',' || c == ':') {
        ++at_;
      } else {
        word();
      }
    } while (depth > 0 && here() != '\0');
  }
  /// Over a number, true, false or null.
  void word() {
    while (here() != '\0' && std::string_view(" \t\n\r,:]}").find(here()) == std::string_view::npos) ++at_;
  }
  model::Gap list_end() {
    ++at_;
    blank();
    const bool first = here() == ']';
    while (here() != ']' && here() != '\0') {
      skip();
      blank();
      if (here() == ',') ++at_, blank();
    }
    return {at_, first};
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

Result<model::Proposal> parse_proposal(std::string_view text, std::string_view file) {
  model::Proposal proposal;
  proposal.config = XC_TRY(parse_config(text, file));
  const Document document = XC_TRY(Document::parse(text, file, engine_limits));
  const auto part = document.root().find("linux");
  const auto path = part ? part->find("cgroupsPath") : std::nullopt;
  if (path && !path->is(Form::null)) {
    if (!path->is(Form::string)) return path->expected("a string");
    proposal.cgroups_path = path->text();
  }
  proposal.env = Scanner(text).find("process/env");
  proposal.devices = Scanner(text).find("linux/resources/devices");
  proposal.top = Scanner(text).open("").value_or(model::Gap{});
  proposal.annotations = Scanner(text).open("annotations");
  proposal.machine = Scanner(text).open("linux");
  proposal.filter = Scanner(text).open("linux/seccomp");
  proposal.calls = Scanner(text).open("linux/seccomp/syscalls");
  const auto filter = part ? part->find("seccomp") : std::nullopt;
  const auto listener = filter ? filter->find("listenerPath") : std::nullopt;
  proposal.connects = Scanner(text).connects();
  proposal.asks = listener && !listener->text().empty();
  return proposal;
}

}  // namespace xc::parse
