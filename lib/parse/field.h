// Typed readings of JSON values: each says what was expected, where, and what was found instead. Runs where documents
// are parsed.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "parse/json_view.h"

namespace xc::parse {

inline constexpr std::size_t most_services = 64;  ///< in one document (R16)

/// A question of words.h (or alike) and what its "yes" looks like, for the error.
struct Word {
  bool (*fits)(std::string_view);
  std::string_view looks;
};
namespace word {
extern const Word plain, name, role, role_pattern, provider, pattern, provider_pattern, variable, bus_name, bus_pattern,
    bus_rule, interface, member_pattern, object_pattern, method, path_pattern;
}  // namespace word

/// The string `view` holds, when it fits.
[[nodiscard]] Result<std::string> read_word(View view, const Word& kind);

/// A list of at least `least` and at most `most` such strings.
[[nodiscard]] Result<std::vector<std::string>> read_words(View view, const Word& kind, std::size_t least,
                                                          std::size_t most);

[[nodiscard]] Result<bool> read_flag(View view);

/// A whole number from 0 to `most`.
[[nodiscard]] Result<std::uint64_t> read_number(View view, std::uint64_t most);

/// The number of a domain or port of a vchan: whatever an int can hold.
[[nodiscard]] Result<std::uint32_t> read_vchan_number(View view);

/// Elements of a list; `what` names them in the plural ("requirements").
[[nodiscard]] Result<std::vector<View>> read_list(View view, std::string_view what, std::size_t most);

/// Members of an object; `what` names it with its article ("an object of roles").
[[nodiscard]] Result<std::vector<View>> read_object(View view, std::string_view what, std::size_t most);

/// The member `name` of an object that must have it.
[[nodiscard]] Result<View> read_member(View object, std::string_view name);

/// The member `name` as a string of that kind; the first must be there, the second leaves `into` as it is when absent.
[[nodiscard]] Result<std::string> read_key(View object, std::string_view name, const Word& kind);
[[nodiscard]] Result<> read_key_if(View object, std::string_view name, const Word& kind, std::string& into);

/// For documents where an ignored key could widen a right: refuses members that are not among `known`. Keys that begin
/// with '#' are remarks.
[[nodiscard]] Result<> refuse_others(View object, std::initializer_list<std::string_view> known);

/// Adds "<where>: <sentence>", unless the document has too many warnings already.
void warn(View view, std::string_view sentence, std::vector<std::string>& warnings);

/// A warning for each member that is not among `known` but differs from one of them by its case or by one letter: it
/// has no effect, and was likely meant to have one.
void warn_of_misspelt(View object, std::initializer_list<std::string_view> known, std::vector<std::string>& warnings);

/// The kind of document that the "#spec" of `root` names: "run", "services", "policy"; empty when it names none of
/// them.
[[nodiscard]] std::string_view kind_by_spec(View root);
/// Refuses a document that says it is of another kind.
[[nodiscard]] Result<> check_spec(View root, std::string_view kind);

/// "a, b and c".
[[nodiscard]] std::string listed(const std::vector<std::string>& words);

}  // namespace xc::parse
