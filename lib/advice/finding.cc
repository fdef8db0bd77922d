#include "advice/finding.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/table.h"
#include "base/text.h"

namespace xc::advice {
namespace {

constexpr std::size_t margin = 9;  // behind the longest name of a severity

struct Look {
  std::string_view name;
  std::string_view paint;  ///< ECMA-48, "select graphic rendition"
};
constexpr std::array<Look, static_cast<std::size_t>(Severity::count_)> looks{
    Look{"broken", "\x1b[1;31m"}, Look{"warning", "\x1b[33m"}, Look{"note", "\x1b[36m"}, Look{"good", "\x1b[32m"}};

const Look& look_of(Severity severity) {
  return looks[static_cast<std::size_t>(severity)];
}

/// Safe for a terminal: parts of it may come from a container.
std::string line_of(const std::string& text) {
  return text::printable(text, 2048) + "\n";
}

std::string paragraph(const Finding& finding, bool colour, std::size_t width) {
  const Look& look = look_of(finding.severity);
  const std::string word(look.name);
  const std::string indent(margin, ' ');
  const auto sentence = [&](const std::string& words) {
    return text::folded(indent + line_of(words), width, margin).substr(margin);
  };
  std::string text = (colour ? std::string(look.paint) + word + "\x1b[0m" : word);
  text += std::string(margin - word.size(), ' ') + sentence(finding.where + ": " + finding.what);
  if (!finding.means.empty()) text += indent + sentence(finding.means);
  if (!finding.mend.empty()) text += indent + "-> " + line_of(finding.mend);
  return text;
}

std::string counted(const Findings& findings, Severity severity, std::string_view one, std::string_view many) {
  const auto count = std::ranges::count(findings, severity, &Finding::severity);
  return text::number(std::int64_t{count}) + " " + std::string(count == 1 ? one : many);
}

}  // namespace

std::string_view name_of(Severity severity) {
  return look_of(severity).name;
}

bool is_broken(const Findings& findings) {
  return std::ranges::find(findings, Severity::broken, &Finding::severity) != findings.end();
}

std::string describe(const Findings& findings, bool colour, bool all, std::size_t width) {
  std::string text;
  for (const Severity severity : {Severity::broken, Severity::warning, Severity::note, Severity::good}) {
    if (severity == Severity::good && !all) continue;
    for (const Finding& finding : findings)
      if (finding.severity == severity) text += paragraph(finding, colour, width);
  }
  if (!text.empty()) text += "\n";
  return text + counted(findings, Severity::broken, "thing is broken", "things are broken") + ", " +
         counted(findings, Severity::warning, "warning", "warnings") + "; " +
         counted(findings, Severity::good, "thing is in order", "things are in order") +
         (all ? "\n" : " (--all shows them)\n");
}

}  // namespace xc::advice
