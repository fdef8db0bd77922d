// See link_text.h.
#include "sys/link_text.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>

#include "base/text.h"

namespace xc::sys {

Result<std::string> read_link(int directory, const std::string& name) {
  std::array<char, PATH_MAX> text{};
  const ssize_t size = ::readlinkat(directory, name.c_str(), text.data(), text.size());
  if (size < 0) return fail_errno(Kind::kernel, "readlink", errno);
  return std::string(text.data(), static_cast<std::size_t>(size));
}

Result<std::string> name_of_descriptor(int descriptor) {
  return read_link(AT_FDCWD, host_name_of(descriptor));
}

Result<std::string> name_of_descriptor(const Proc& proc, int descriptor) {
  return XC_TRY_IN("a descriptor's name", read_link(proc.dir(), "self/fd/" + text::number(descriptor)));
}

}  // namespace xc::sys
