// See agent.h.
#include "shim/agent.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "sys/seccomp.h"
#include "sys/unix_message.h"

namespace xc::shim {
namespace {

/// What the kernel would have copied: all of it, or the call fails.
std::uint32_t look(const std::vector<std::string>& paths, const Question& question, const Fd& memory) {
  std::array<char, longest_address> address{};
  const std::size_t length = std::min<std::size_t>(question.length, address.size());
  const ssize_t got = ::pread(memory.get(), address.data(), length, static_cast<off_t>(question.address));
  if (got < 0 || static_cast<std::size_t>(got) != length) return none_of_ours;
  const std::string_view path = path_in({address.data(), length});
  const auto found = path.empty() ? paths.end() : std::ranges::find(paths, path);
  return found == paths.end() ? none_of_ours : static_cast<std::uint32_t>(found - paths.begin());
}

}  // namespace

std::string_view path_in(std::string_view address) {
  sa_family_t family = 0;
  static_assert(sizeof family == before_path);
  if (address.size() <= before_path) return {};
  std::memcpy(&family, address.data(), sizeof family);
  if (family != AF_UNIX) return {};
  const std::string_view path = address.substr(before_path);
  return path.substr(0, path.find('\0'));  // an abstract name begins with the zero: no path
}

Result<> run_agent(const std::vector<std::string>& paths, Fd control) {
  XC_CHECK(sys::install_filter(sys::Filter::agent));
  for (;;) {
    Question question;
    std::array<char, sizeof question> room{};
    const auto got = XC_TRY(sys::receive_message(control.get(), room, 1));
    if (got && got->size == 0) return {};
    if (!got || got->size != sizeof question || got->descriptors.size() != 1)
      return fail(Kind::internal, "a question of another form");
    std::memcpy(&question, room.data(), sizeof question);
    const std::uint32_t said = look(paths, question, got->descriptors.front());
    std::array<char, sizeof said> bytes{};
    std::memcpy(bytes.data(), &said, sizeof said);
    if (!XC_TRY(sys::send_message(control.get(), {bytes.data(), bytes.size()}, {}))) return {};
  }
}

}  // namespace xc::shim
