#include "app/usage.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"
#include "sys/small_file.h"

namespace xc::app {
namespace {

constexpr std::size_t longest_file = 16UL * 1024;

std::string proc_file(std::int64_t pid, const char* name) {
  const std::string path = "/proc/" + text::number(pid) + "/" + name;
  return sys::read_file(AT_FDCWD, path, longest_file).value_or(std::string());
}

/// Fields 14 and 15 of proc_pid_stat(5); the second may hold anything, and ends with the last parenthesis.
std::uint64_t processor_time(const std::string& stat) {
  const auto end = stat.rfind(')');
  if (end == std::string::npos || end + 2 > stat.size()) return 0;
  const auto words = text::split(std::string_view(stat).substr(end + 2), ' ');
  const long per_second = ::sysconf(_SC_CLK_TCK);
  if (words.size() < 13 || per_second <= 0) return 0;
  const std::uint64_t ticks = text::parse_number(words[11]).value_or(0) + text::parse_number(words[12]).value_or(0);
  return ticks * 1'000'000 / static_cast<std::uint64_t>(per_second);
}

std::uint64_t proportional_memory(const std::string& rollup) {
  const auto at = rollup.find("\nPss:");
  if (at == std::string::npos) return 0;
  std::string_view rest = std::string_view(rollup).substr(at + 5);
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  return text::parse_number(rest.substr(0, rest.find(' '))).value_or(0) * 1024;
}

}  // namespace

Usage usage_of(std::int64_t pid) {
  if (pid <= 0) return {};
  return {processor_time(proc_file(pid, "stat")), proportional_memory(proc_file(pid, "smaps_rollup"))};
}

}  // namespace xc::app
