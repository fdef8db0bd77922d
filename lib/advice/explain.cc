#include "advice/explain.h"

#include <algorithm>

#include "base/text.h"

namespace xc::advice {
namespace {

struct Best {
  const Entry* entry = nullptr;
  std::string_view pattern;
  std::size_t weight = 0;  ///< characters that are the same
};

void look_through(std::span<const Entry> entries, std::string_view message, Best& best) {
  for (const Entry& entry : entries) {
    for (const std::string_view pattern : text::split(entry.patterns, '|')) {
      const auto weight = pattern.size() - static_cast<std::size_t>(std::ranges::count(pattern, '*'));
      if (weight > best.weight && text::glob("*" + std::string(pattern) + "*", message))
        best = {&entry, pattern, weight};
    }
  }
}

}  // namespace

std::vector<Told> explain(std::string_view message) {
  std::vector<Told> told;
  if (auto number = explain_errno(message)) return {std::move(*number)};
  Best best;
  for (const auto& entries : {usage_entries, manifest_entries, service_entries, placing_entries, kernel_entries,
                              protocol_entries, device_entries, address_entries, vchan_entries, live_entries})
    look_through(entries, message, best);
  if (best.entry != nullptr)
    told.push_back({std::string(best.pattern), std::string(best.entry->means), std::string(best.entry->mend)});
  if (const auto colon = message.rfind(": "); colon != std::string_view::npos)
    if (auto number = explain_errno(message.substr(colon + 2))) told.push_back(std::move(*number));
  return told;
}

std::string describe(const std::vector<Told>& told) {
  std::string text;
  for (const Told& one : told) {
    text += (text.empty() ? "" : "\n") + one.about + "\n  means  " + one.means + "\n";
    if (!one.mend.empty()) text += "  do     " + one.mend + "\n";
  }
  return text;
}

}  // namespace xc::advice
