// What an error of ours means, and what to do. The entries are data (entries_*.cc); a test reads every error message of
// the product's source and demands one for each. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace xc::advice {

/// One or more messages with the same meaning.
struct Entry {
  std::string_view patterns;  ///< separated by '|'; '*' stands for any text, and each may stand inside a longer line
  std::string_view means;
  std::string_view mend;
};

extern const std::span<const Entry> usage_entries, manifest_entries, service_entries, placing_entries, kernel_entries,
    protocol_entries, device_entries, address_entries, vchan_entries, live_entries;

/// One explanation of a message, or of a part of it.
struct Told {
  std::string about;  ///< the pattern, or the errno's name and number
  std::string means;
  std::string mend;
};
template <class A>
void fields(A& a, Told& t) {
  a("about", t.about);
  a("means", t.means);
  a("mend", t.mend);
}

/// `message` is a line that one of our programs wrote (what is in front of it does not matter), an errno's name
/// ("EROFS"), its number, or its text. The entry that fits best, then the errno at the line's end; empty when neither.
[[nodiscard]] std::vector<Told> explain(std::string_view message);

/// The errno whose name, number or text `word` is; nothing when it is none.
[[nodiscard]] std::optional<Told> explain_errno(std::string_view word);

/// For a person.
[[nodiscard]] std::string describe(const std::vector<Told>& told);

}  // namespace xc::advice
