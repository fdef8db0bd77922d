// Text -> Document. The JSON library reads tokens and grammar and calls us at each; what it lets pass and we do not
// (duplicates, depth, sizes, NUL as an end, a byte order mark) is refused here, while reading.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>

#include "base/text.h"
#include "parse/json_view.h"

namespace xc::parse {
namespace {

/// An iterator that tells how far the library has read, since its events carry no position.
struct Cursor {
  using iterator_category = std::forward_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* at = nullptr;
  const char** reached = nullptr;

  const char& operator*() const { return *at; }
  Cursor& operator++() {
    *reached = ++at;
    return *this;
  }
  Cursor operator++(int) {
    const Cursor before = *this;
    ++*this;
    return before;
  }
  bool operator==(const Cursor& other) const { return at == other.at; }
};

/// "<file>:<line>:<column>: " of the byte at `offset`.
std::string position(std::string_view file, std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = static_cast<std::uint64_t>(std::count(before.begin(), before.end(), '\n')) + 1;
  const std::size_t start = before.rfind('\n') == std::string_view::npos ? 0 : before.rfind('\n') + 1;
  return std::string(file) + ":" + text::number(line) + ":" + text::number(std::uint64_t{before.size() - start + 1}) +
         ": ";
}

/// The library's sentence without the words in front that say where, since we say that ourselves.
std::string reason(std::string_view sentence) {
  for (const std::string_view mark : {" - ", "] "})
    if (const auto at = sentence.find(mark); at != std::string_view::npos)
      return text::printable(sentence.substr(at + mark.size()), 160);
  return text::printable(sentence, 160);
}

}  // namespace

/// Receives the library's events (its SAX interface) and builds the tree. Every member function returns false to stop.
class Builder {
 public:
  Builder(std::string_view text, std::string_view file, const Limits& limits)
      : text_(text), limits_(limits), reached_(text.data()) {
    document_.file_ = file;
  }

  Result<Document> build() {
    const bool whole = nlohmann::json::sax_parse(Cursor{text_.data(), &reached_},
                                                 Cursor{text_.data() + text_.size(), &reached_}, this);
    if (!error_.empty()) return fail(Kind::manifest, std::move(error_));
    if (!whole) return fail(Kind::internal, "the JSON library gave up without saying why");
    return std::move(document_);
  }

  bool null() { return add(Form::null) != nullptr; }
  bool boolean(bool value) {
    Document::Node* node = add(Form::boolean);
    if (node != nullptr) node->flag = value;
    return node != nullptr;
  }
  bool number_unsigned(std::uint64_t value) { return add_number(text::number(value), value); }
  bool number_integer(std::int64_t value) {
    if (value == 0) return refuse(before(1), "a zero with a minus sign is not accepted");
    return add_number(text::number(value), std::nullopt);
  }
  bool number_float(double value, const std::string& spelling) {
    // The library turns whole numbers it cannot hold into fractions, silently.
    if (spelling.find_first_of(".eE") == std::string::npos)
      return refuse(before(1), "the number " + text::printable(spelling, 40) + " is out of range");
    if (value == 0 && std::signbit(value)) return refuse(before(1), "a zero with a minus sign is not accepted");
    return add_number(spelling, std::nullopt);
  }
  bool string(std::string& value) {
    if (!fits(value)) return false;
    Document::Node* node = add(Form::string);
    if (node != nullptr) node->text = std::move(value);
    return node != nullptr;
  }
  bool binary(nlohmann::json::binary_t& /*value*/) { return refuse(before(1), "binary data is not JSON"); }
  bool start_object(std::size_t /*unknown*/) { return open(Form::object); }
  bool start_array(std::size_t /*unknown*/) { return open(Form::list); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& value) {
    if (!fits(value)) return false;
    if (!open_.back().keys.insert(value).second)
      return refuse(string_start(), "duplicate key \"" + text::printable(value, 64) + "\"");
    key_ = std::move(value);
    return true;
  }
  bool parse_error(std::size_t read, const std::string& /*token*/, const nlohmann::detail::exception& error) {
    return refuse(read == 0 ? 0 : read - 1, "not JSON: " + reason(error.what()));
  }

 private:
  struct Open {
    std::uint32_t node = 0;
    std::set<std::string> keys;
  };

  bool refuse(std::size_t offset, std::string_view sentence) {
    if (error_.empty()) error_ = position(document_.file_, text_, offset) + std::string(sentence);
    return false;
  }
  /// The offset `count` bytes behind what the library has read.
  [[nodiscard]] std::size_t before(std::size_t count) const {
    const auto read = static_cast<std::size_t>(reached_ - text_.data());
    return read - std::min(read, count);
  }
  /// Where the string began that ends here: its opening quote is the nearest one that no backslash precedes.
  [[nodiscard]] std::size_t string_start() const {
    std::size_t at = before(1);
    while (at > 0) {
      --at;
      if (text_[at] == '"' && (at == 0 || text_[at - 1] != '\\')) break;
    }
    return at;
  }
  bool fits(const std::string& value) {
    if (value.size() > limits_.text)
      return refuse(string_start(), "a string of " + text::number(std::uint64_t{value.size()}) +
                                        " bytes, more than the " + text::number(std::uint64_t{limits_.text}) +
                                        " allowed");
    if (value.find('\0') != std::string::npos) return refuse(string_start(), "a string with a NUL in it");
    return true;
  }
  bool add_number(std::string spelling, std::optional<std::uint64_t> value) {
    Document::Node* node = add(Form::number);
    if (node == nullptr) return false;
    node->text = std::move(spelling);
    node->number = value;
    return true;
  }
  /// A new value at the present place; null when there are too many.
  Document::Node* add(Form form) {
    auto& nodes = document_.nodes_;
    if (nodes.size() >= limits_.values) {
      refuse(before(1), "more than the " + text::number(std::uint64_t{limits_.values}) + " values allowed");
      return nullptr;
    }
    const auto self = static_cast<std::uint32_t>(nodes.size());
    Document::Node& node = nodes.emplace_back();
    node.form = form;
    if (open_.empty()) return &node;
    node.parent = open_.back().node;
    node.name = std::move(key_);
    key_.clear();
    node.index = static_cast<std::uint32_t>(nodes[node.parent].children.size());
    nodes[node.parent].children.push_back(self);
    return &node;
  }
  bool open(Form form) {
    if (open_.size() >= limits_.depth)
      return refuse(before(1),
                    "nested deeper than the " + text::number(std::uint64_t{limits_.depth}) + " levels allowed");
    if (add(form) == nullptr) return false;
    open_.push_back({static_cast<std::uint32_t>(document_.nodes_.size() - 1), {}});
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  std::string_view text_;
  const Limits& limits_;
  const char* reached_;
  Document document_;
  std::vector<Open> open_;
  std::string key_;
  std::string error_;
};

Result<Document> Document::parse(std::string_view text, std::string_view name, const Limits& limits) {
  const std::string file = text::printable(name);
  const auto refuse = [&](std::string_view sentence) {
    return fail(Kind::manifest, file + ": " + std::string(sentence));
  };
  if (text.empty()) return refuse("is empty");
  if (text.size() > limits.bytes)
    return refuse("is larger than the " + text::number(std::uint64_t{limits.bytes}) + " bytes allowed");
  if (text.starts_with("\xef\xbb\xbf")) return refuse("begins with a byte order mark; remove it");
  // The library takes a NUL for the end of its input and would not look at what follows.
  if (const auto at = text.find('\0'); at != std::string_view::npos)
    return fail(Kind::manifest, position(file, text, at) + "a NUL byte");
  if (!text::is_utf8(text)) return refuse("is not UTF-8");
  return Builder(text, file, limits).build();
}

}  // namespace xc::parse
