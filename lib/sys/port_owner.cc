// See port_owner.h.
#include "sys/port_owner.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>

#include "base/text.h"
#include "sys/link_text.h"
#include "sys/numbered.h"
#include "sys/peer.h"
#include "sys/small_file.h"

namespace xc::sys {
namespace {

// Columns of the tables (proc(5)).
constexpr std::size_t local = 1;
constexpr std::size_t state = 3;
constexpr std::size_t inode = 9;
constexpr std::string_view listening = "0A";

/// An address as the kernel prints it: 32-bit words in the machine's own order, all of ours little-endian.
constexpr std::array<std::string_view, 5> reached{"0100007F", "00000000", "00000000000000000000000000000000",
                                                  "0000000000000000FFFF00000100007F",
                                                  "0000000000000000FFFF000000000000"};

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (const auto word : text::split(line, ' '))
    if (!word.empty()) words.push_back(word);
  return words;
}

std::string hexadecimal(std::uint16_t port) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (unsigned shift = 16; shift > 0; shift -= 4) out += digits[(port >> (shift - 4U)) & 15U];
  return out;
}

/// The inode of the socket behind descriptor `number` of the process whose fd directory this is.
std::uint64_t socket_behind(int directory, std::uint64_t number) {
  constexpr std::string_view begin = "socket:[";
  const std::string said = read_link(directory, text::number(number)).value_or("");
  const std::string_view text = said;
  if (!text.starts_with(begin) || !text.ends_with(']')) return 0;
  return text::parse_number(text.substr(begin.size(), text.size() - begin.size() - 1)).value_or(0);
}

/// Which of the sockets the process holds.
std::vector<std::uint64_t> held_by(const Proc& proc, std::uint64_t pid, const std::vector<std::uint64_t>& sockets) {
  std::vector<std::uint64_t> held;
  const std::string name = text::number(pid) + "/fd";
  const Fd directory{::openat(proc.dir(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  const auto numbers = directory ? list_numbers(directory.get()) : Result<std::vector<std::uint64_t>>{};
  if (!numbers) return held;  // it has ended meanwhile
  for (const std::uint64_t number : *numbers) {
    const std::uint64_t socket = socket_behind(directory.get(), number);
    if (std::ranges::find(sockets, socket) != sockets.end()) held.push_back(socket);
  }
  return held;
}

}  // namespace

std::vector<std::uint64_t> listeners_in(std::string_view table, std::uint16_t port) {
  std::vector<std::uint64_t> found;
  const std::string wanted = hexadecimal(port);
  for (const auto line : text::split(table, '\n')) {
    const auto words = words_of(line);
    if (words.size() <= inode || words[state] != listening) continue;
    const auto parts = text::split(words[local], ':');
    if (parts.size() != 2 || parts[1] != wanted || std::ranges::find(reached, parts[0]) == reached.end()) continue;
    if (const auto number = text::parse_number(words[inode])) found.push_back(*number);
  }
  return found;
}

Result<std::vector<std::uint64_t>> listeners_at(const Process& process, std::uint16_t port) {
  auto found = listeners_in(XC_TRY(read_file(process.dir.get(), "net/tcp", proc_file_limit)), port);
  const auto second = read_file(process.dir.get(), "net/tcp6", proc_file_limit);  // absent without IPv6
  if (!second && second.error().code != ENOENT) return std::unexpected(second.error());
  if (second) std::ranges::copy(listeners_in(*second, port), std::back_inserter(found));
  std::ranges::sort(found);
  return found;
}

Result<bool> belong_to(const Proc& proc, const std::vector<std::uint64_t>& sockets, const Process& init) {
  std::vector<std::uint64_t> left = sockets;
  for (const std::uint64_t pid : XC_TRY(list_processes(proc))) {
    if (left.empty()) break;
    const auto held = held_by(proc, pid, left);
    if (held.empty()) continue;
    const auto process = open_process(proc, static_cast<pid_t>(pid));
    if (!process || !belongs_to(proc, *process, init).value_or(false)) continue;
    std::erase_if(left, [&](std::uint64_t one) { return std::ranges::find(held, one) != held.end(); });
  }
  return left.empty();
}

}  // namespace xc::sys
