// One thing that xc-inject doctor says of a host or a container. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace xc::advice {

enum class Severity : std::uint8_t {
  broken,   ///< something that was asked for does not work, or would not
  warning,  ///< works today; one step from broken, or other than was likely meant
  note,     ///< good to know
  good,     ///< looked at, and in order
  count_
};
[[nodiscard]] std::string_view name_of(Severity severity);

struct Finding {
  Severity severity = Severity::note;
  std::string where;  ///< file, container, program or part of the host
  std::string what;   ///< the cause, one sentence
  std::string means;  ///< what follows from it; empty where that is plain
  std::string mend;   ///< the command or the edit that mends it; empty when nothing needs mending
};
template <class A>
void fields(A& a, Finding& f) {
  a("severity", f.severity);
  a("where", f.where);
  a("what", f.what);
  a("means", f.means);
  a("mend", f.mend);
}

using Findings = std::vector<Finding>;

[[nodiscard]] bool is_broken(const Findings& findings);

/// For a person: the broken first. `colour` paints the severities; `all` shows what is in order as well. Sentences are
/// folded into lines of `width`; commands stay whole, to be copied.
[[nodiscard]] std::string describe(const Findings& findings, bool colour, bool all, std::size_t width);

}  // namespace xc::advice
