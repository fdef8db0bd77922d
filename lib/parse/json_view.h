// A JSON document, checked while it is read, and places in it that know their own names. Runs in the reader's child and
// in xc-inject. The only wrapper of the JSON library, which no header includes. Must never accept what two readers of
// JSON could understand differently.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace xc::parse {

/// Bounds that hold before anything is built (R16).
struct Limits {
  std::size_t bytes;   ///< of the whole document
  std::size_t depth;   ///< lists and objects inside each other
  std::size_t text;    ///< bytes of one string or key
  std::size_t values;  ///< in the whole document
};
inline constexpr Limits manifest_limits{64UL * 1024, 16, 4095, 64UL * 1024};
/// config.json and state: an engine wrote them, and they carry much that we do not look at.
inline constexpr Limits engine_limits{1024UL * 1024, 64, 1024UL * 1024, 64UL * 1024};
/// What we wrote ourselves: however many values there are, whoever wrote them must be able to read them again.
inline constexpr Limits own_limits{1024UL * 1024, 64, 1024UL * 1024, 1024UL * 1024};

enum class Form : std::uint8_t { null, boolean, number, string, list, object };

class View;

/// A parsed document; owns everything its views show.
class Document {
 public:
  /// `text` as strict RFC 8259 JSON within `limits`: UTF-8 without byte order mark, no duplicate key in any object, no
  /// NUL, no number beyond 64 bits or below zero's sign, nothing behind the value. Errors are Kind::manifest and begin
  /// with "<file>:<line>:<column>: "; columns count bytes from 1.
  [[nodiscard]] static Result<Document> parse(std::string_view text, std::string_view file, const Limits& limits);

  /// The outermost value. It and its children are good as long as this document stays where it is.
  [[nodiscard]] View root() const;

 private:
  friend class View;
  friend class Builder;
  struct Node {
    Form form = Form::null;
    bool flag = false;                    ///< boolean
    std::optional<std::uint64_t> number;  ///< absent: negative or with a fraction
    std::string text;                     ///< string, or a number as it was written
    std::string name;                     ///< key, when the parent is an object
    std::uint32_t parent = 0;
    std::uint32_t index = 0;  ///< among its parent's children
    std::vector<std::uint32_t> children;
  };
  std::string file_;
  std::vector<Node> nodes_;  ///< the first is the root
};

/// One value of a document.
class View {
 public:
  [[nodiscard]] Form form() const { return node().form; }
  [[nodiscard]] bool is(Form form) const { return node().form == form; }
  /// Its key in the object around it.
  [[nodiscard]] const std::string& name() const { return node().name; }
  /// What a string says, or a number as it was written; empty for other forms.
  [[nodiscard]] const std::string& text() const { return node().text; }
  [[nodiscard]] bool flag() const { return node().flag; }
  /// A number that is whole, not negative and below 2^64.
  [[nodiscard]] std::optional<std::uint64_t> number() const { return node().number; }

  /// The member `name` of an object; empty when there is none or this is no object.
  [[nodiscard]] std::optional<View> find(std::string_view name) const;
  /// Members of an object or elements of a list, in order.
  [[nodiscard]] std::vector<View> children() const;

  /// "<file>: <JSON pointer>" (RFC 6901), safe to print.
  [[nodiscard]] std::string where() const;
  /// Kind::manifest, "<where>: <sentence>".
  [[nodiscard]] std::unexpected<Error> fail(std::string_view sentence) const;
  /// Kind::manifest, "<where>: expected <what>, found <what is there>".
  [[nodiscard]] std::unexpected<Error> expected(std::string_view what) const;

 private:
  friend class Document;
  View(const Document& document, std::uint32_t index) : document_(&document), index_(index) {}
  [[nodiscard]] const Document::Node& node() const { return document_->nodes_[index_]; }
  [[nodiscard]] std::string found() const;
  const Document* document_;
  std::uint32_t index_;
};

}  // namespace xc::parse
