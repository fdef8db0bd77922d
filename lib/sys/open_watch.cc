// See open_watch.h.
#include "sys/open_watch.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "sys/program_name.h"

namespace xc::sys {
namespace {

// Newer than the oldest headers that we are built with (linux/fanotify.h).
constexpr unsigned report_pidfd = 0x80;         // Linux 5.15
constexpr unsigned report_id = 0x200;           // Linux 5.1: without it the kernel opens the file for us
constexpr std::uint8_t info_type_of_pidfd = 4;  // then a pidfd follows a header of four bytes
constexpr unsigned group_flags = FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | report_id;
constexpr std::size_t room_for_events = 16384;

struct Info {
  std::uint8_t type = 0;
  std::uint8_t pad = 0;
  std::uint16_t length = 0;
};

template <class T>
T read_as(std::string_view bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
  return value;
}

Fd watch_with_names(const Fd& file) {
  Fd events;
  for (const unsigned flags : {group_flags | report_pidfd, group_flags}) {
    events = Fd{::fanotify_init(flags, O_RDONLY | O_CLOEXEC)};
    if (events || errno != EINVAL) break;
  }
  const std::string name = host_name_of(file.get());
  if (events && ::fanotify_mark(events.get(), FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, name.c_str()) != 0) events.reset();
  return events;
}

Result<Fd> watch_without_names(const Fd& file) {
  Fd events{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
  const std::string name = host_name_of(file.get());
  if (!events || ::inotify_add_watch(events.get(), name.c_str(), IN_OPEN) < 0)
    return fail_errno(Kind::kernel, "watching who opens the node", errno);
  return events;
}

/// The pidfd that came along with an event; -1 when there is none, or its process is gone.
int pidfd_in(std::string_view infos) {
  while (infos.size() >= sizeof(Info)) {
    const auto info = read_as<Info>(infos);
    if (info.length < sizeof(Info) || info.length > infos.size()) break;
    if (info.type == info_type_of_pidfd && info.length >= sizeof(Info) + sizeof(int))
      return read_as<int>(infos.substr(sizeof(Info)));
    infos.remove_prefix(info.length);
  }
  return -1;
}

Opening opening_of(const Proc& proc, const fanotify_event_metadata& event, std::string_view infos) {
  Opening opening;
  const int number = pidfd_in(infos);
  const Fd pidfd{number >= 0 ? number : -1};
  if ((event.mask & FAN_Q_OVERFLOW) != 0) {
    opening.overrun = true;
    return opening;
  }
  opening.pid = event.pid;
  if (opening.pid <= 0) return opening;
  auto name = name_of_program(proc, opening.pid, pidfd);
  opening.program = std::move(name.program);
  opening.file = std::move(name.file);
  return opening;
}

std::vector<Opening> with_names(const Proc& proc, std::string_view bytes) {
  std::vector<Opening> all;
  while (bytes.size() >= sizeof(fanotify_event_metadata)) {
    const auto event = read_as<fanotify_event_metadata>(bytes);
    if (event.event_len < event.metadata_len || event.event_len > bytes.size()) break;
    all.push_back(
        opening_of(proc, event, bytes.substr(event.metadata_len, event.event_len - std::size_t{event.metadata_len})));
    bytes.remove_prefix(event.event_len);
  }
  return all;
}

std::vector<Opening> without_names(std::string_view bytes) {
  std::vector<Opening> all;
  while (bytes.size() >= sizeof(inotify_event)) {
    const auto event = read_as<inotify_event>(bytes);
    Opening opening;
    opening.overrun = (event.mask & IN_Q_OVERFLOW) != 0;
    if (opening.overrun || (event.mask & IN_OPEN) != 0) all.push_back(opening);
    bytes.remove_prefix(std::min(bytes.size(), sizeof(inotify_event) + std::size_t{event.len}));
  }
  return all;
}

}  // namespace

Result<OpenWatch> OpenWatch::begin(const Fd& file) {
  if (Fd events = watch_with_names(file)) return OpenWatch(std::move(events), true);
  return OpenWatch(XC_TRY(watch_without_names(file)), false);
}

std::vector<Opening> OpenWatch::take(const Proc& proc) const {
  std::array<char, room_for_events> room{};
  const ssize_t got = ::read(events_.get(), room.data(), room.size());
  if (got <= 0) return {};
  const std::string_view bytes(room.data(), static_cast<std::size_t>(got));
  return names_ ? with_names(proc, bytes) : without_names(bytes);
}

}  // namespace xc::sys
