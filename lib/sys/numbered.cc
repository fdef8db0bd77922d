// See numbered.h.
#include "sys/numbered.h"

#include <dirent.h>
#include <fcntl.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "base/fd.h"
#include "base/text.h"

namespace xc::sys {

Result<std::vector<std::uint64_t>> list_numbers(int directory) {
  std::vector<std::uint64_t> numbers;
  alignas(dirent64) std::array<char, 4096> entries{};
  while (true) {
    const ssize_t size = ::getdents64(directory, entries.data(), entries.size());
    if (size < 0) return fail_errno(Kind::kernel, "reading a directory", errno);
    if (size == 0) return numbers;
    for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
      const char* entry = entries.data() + at;
      if (const auto number = text::parse_number(std::string_view(entry + offsetof(dirent64, d_name))))
        numbers.push_back(*number);
      decltype(dirent64::d_reclen) length = 0;
      std::memcpy(&length, entry + offsetof(dirent64, d_reclen), sizeof length);
      at += length;
    }
  }
}

Result<std::vector<std::uint64_t>> list_processes(const Proc& proc) {
  const Fd all{::openat(proc.dir(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!all) return fail_errno(Kind::kernel, "opening /proc", errno);
  return list_numbers(all.get());
}

}  // namespace xc::sys
