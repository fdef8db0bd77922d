// See mountinfo.h.
#include "sys/mountinfo.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <span>

#include "base/text.h"
#include "sys/small_file.h"

namespace xc::sys {
namespace {

bool is_octal(char c) {
  return c >= '0' && c <= '7';
}

/// The kernel writes blank, tab, newline, backslash and '#' as \ooo.
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escaped = text[i] == '\\' && i + 3 < text.size() && is_octal(text[i + 1]) && is_octal(text[i + 2]) &&
                         is_octal(text[i + 3]);
    if (!escaped) {
      out += text[i];
      continue;
    }
    out += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
    i += 3;
  }
  return out;
}

/// Value of an optional field such as "shared:12"; 0 when it is not there.
std::uint64_t group_in(std::span<const std::string_view> fields, std::string_view key) {
  for (const std::string_view field : fields)
    if (field.starts_with(key)) return text::parse_number(field.substr(key.size())).value_or(0);
  return 0;
}

// "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue": fields 7.. are optional, end at
// "-".
Result<Mount> parse_line(std::string_view line, std::size_t number) {
  const auto fields = text::split(line, ' ');
  const auto begin = fields.begin() + std::min<std::ptrdiff_t>(6, std::ssize(fields));
  const auto dash = std::find(begin, fields.end(), "-");
  const auto id = text::parse_number(fields[0]);
  if (!id || std::distance(dash, fields.end()) < 4)
    return fail(Kind::kernel, "mountinfo line " + text::number(std::uint64_t{number}) + ": not as proc(5) says");
  const std::span<const std::string_view> optional(begin, dash);
  return Mount{.id = *id,
               .root = unescape(fields[3]),
               .point = unescape(fields[4]),
               .type = std::string(dash[1]),
               .super_options = unescape(dash[3]),
               .peer_group = group_in(optional, "shared:"),
               .master = group_in(optional, "master:")};
}

}  // namespace

Result<std::vector<Mount>> parse_mountinfo(std::string_view text) {
  std::vector<Mount> mounts;
  std::size_t number = 0;
  for (const auto line : text::split(text, '\n')) {
    ++number;
    if (line.empty()) continue;
    mounts.push_back(XC_TRY(parse_line(line, number)));
  }
  return mounts;
}

Result<std::vector<Mount>> read_mounts(const Proc& proc, const std::string& process) {
  const std::string name = process + "/mountinfo";
  const std::string text = XC_TRY(read_file(proc.dir(), name, proc_file_limit));
  return XC_TRY_IN(name, parse_mountinfo(text));
}

Result<std::uint64_t> mount_id_of(const Proc& proc, int fd) {
  struct statx facts{};
  if (::statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &facts) == 0 && (facts.stx_mask & STATX_MNT_ID) != 0)
    return std::uint64_t{facts.stx_mnt_id};
  constexpr std::string_view key = "mnt_id:\t";
  const std::string text = XC_TRY(read_file(proc.dir(), "self/fdinfo/" + text::number(fd), proc_file_limit));
  for (const auto line : text::split(text, '\n'))
    if (line.starts_with(key))
      if (const auto id = text::parse_number(line.substr(key.size()))) return *id;
  return fail(Kind::kernel, "the kernel does not tell the mount of a descriptor");
}

Result<std::optional<Mount>> find_mount(const Proc& proc, const std::vector<Mount>& mounts, int fd) {
  const std::uint64_t id = XC_TRY(mount_id_of(proc, fd));
  const auto found = std::find_if(mounts.begin(), mounts.end(), [id](const Mount& mount) { return mount.id == id; });
  if (found == mounts.end()) return std::nullopt;
  return *found;
}

}  // namespace xc::sys
