// See id_map.h.
#include "sys/id_map.h"

#include <algorithm>
#include <limits>
#include <string>

#include "base/text.h"
#include "sys/small_file.h"

namespace xc::sys {
namespace {

constexpr std::size_t map_limit = 65536;  // at most 340 lines (user_namespaces(7))
constexpr std::uint64_t no_id = std::numeric_limits<std::uint32_t>::max();

std::vector<std::uint64_t> numbers_of(std::string_view line) {
  std::vector<std::uint64_t> numbers;
  for (const auto word : text::split(line, ' ')) {  // the kernel pads with blanks
    if (word.empty()) continue;
    const auto number = text::parse_number(word);
    if (!number || *number > no_id) return {};
    numbers.push_back(*number);
  }
  return numbers;
}

Result<std::uint32_t> number_in(const Process& process, const std::string& name, std::uint32_t inside) {
  const IdMap map = XC_TRY(IdMap::read(process.dir.get(), name));
  if (const auto id = map.to_host(inside)) return *id;
  if (inside == 0) return fail(Kind::plant, name + ": the container's root has no id on the host; map its id 0");
  return fail(Kind::plant, name + ": the container's id " + text::number(inside) + " has no id on the host; map it");
}

}  // namespace

Result<IdMap> IdMap::read(int directory, const std::string& name) {
  const std::string text = XC_TRY(read_file(directory, name, map_limit));
  return XC_TRY_IN(name, parse(text));
}

Result<IdMap> IdMap::parse(std::string_view text) {
  IdMap map;
  for (const auto line : text::split(text, '\n')) {
    if (line.empty()) continue;
    const auto numbers = numbers_of(line);
    if (numbers.size() != 3) return fail(Kind::kernel, "not as user_namespaces(7) says: " + text::printable(line));
    map.ranges_.push_back({numbers[0], numbers[1], numbers[2]});
  }
  return map;
}

std::optional<std::uint32_t> IdMap::to_host(std::uint32_t inside) const {
  for (const Range& range : ranges_) {
    if (inside < range.inside || inside - range.inside >= range.count) continue;
    const std::uint64_t outside = range.outside + (inside - range.inside);
    if (range.outside == no_id || outside >= no_id) return std::nullopt;
    return static_cast<std::uint32_t>(outside);
  }
  return std::nullopt;
}

bool IdMap::has(std::uint32_t outside) const {
  return std::ranges::any_of(ranges_, [outside](const Range& range) {
    return range.outside != no_id && outside >= range.outside && outside - range.outside < range.count;
  });
}

std::uint32_t IdMap::highest() const {
  std::uint64_t highest = 0;
  for (const Range& range : ranges_)
    if (range.count > 0) highest = std::max(highest, range.inside + range.count - 1);
  return static_cast<std::uint32_t>(std::min(highest, no_id - 1));
}

Result<Owner> owner_of_root(const Proc& proc, const Process& process, const Namespaces& of_process) {
  return owner_on_host(proc, process, of_process, Owner{});
}

Result<Owner> owner_on_host(const Proc& proc, const Process& process, const Namespaces& of_process, Owner inside) {
  const Namespaces own = XC_TRY(own_namespaces(proc));
  if (XC_TRY(same_file(own.user.get(), of_process.user.get()))) return inside;
  return Owner{.uid = XC_TRY(number_in(process, "uid_map", inside.uid)),
               .gid = XC_TRY(number_in(process, "gid_map", inside.gid))};
}

}  // namespace xc::sys
