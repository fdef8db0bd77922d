#include "shim/lessor.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"
#include "registry/records.h"
#include "sys/drm.h"
#include "sys/proc.h"
#include "sys/process.h"
#include "sys/small_file.h"

namespace xc::shim {
namespace {

constexpr int most_attempts = 25;  // of a few milliseconds: somebody else opens it at this moment
constexpr std::size_t note_limit = 128;

std::string note_for(const model::Device& device) {
  return "card-" + text::number(device.node.major) + "-" + text::number(device.node.minor);
}

bool is_card(const Fd& file, const model::Device& device) {
  struct stat facts{};
  return file && ::fstat(file.get(), &facts) == 0 && S_ISCHR(facts.st_mode) &&
         facts.st_rdev == ::makedev(device.node.major, device.node.minor);
}

/// The open file that a note "PID START-TIME DESCRIPTOR" speaks of; none when its process is gone.
Fd take_over(const sys::Proc& proc, const std::string& note, const model::Device& device) {
  const auto words = text::split(note, ' ');
  if (words.size() != 3) return Fd{};
  const auto pid = text::parse_number(words[0]);
  const auto start = text::parse_number(words[1]);
  const auto number = text::parse_number(words[2]);
  if (!pid || !start || !number || *number > 0xffff) return Fd{};
  const auto holder = sys::find_process(proc, static_cast<pid_t>(*pid), *start);
  if (!holder || !*holder || !(**holder).pidfd) return Fd{};
  Fd card = sys::copy_descriptor((**holder).pidfd, static_cast<int>(*number));
  return is_card(card, device) ? std::move(card) : Fd{};
}

Result<Fd> find_shared(const registry::StateDir& state, const sys::Proc& proc, const model::Device& device) {
  for (const auto& key : XC_TRY(registry::keys(state))) {
    const auto note = sys::read_file(state.containers(), key + "/" + note_for(device), note_limit);
    if (!note) continue;
    if (Fd card = take_over(proc, *note, device)) return card;
  }
  return Fd{};
}

/// Written whole under another name first: a reader sees all of it or nothing.
Result<> leave_note(const registry::StateDir& state, const std::string& key, const std::string& name,
                    const std::string& text) {
  const std::string half = key + "/" + registry::half_written(name);
  const Fd file{
      ::openat(state.containers(), half.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::renameat(state.containers(), half.c_str(), state.containers(), (key + "/" + name).c_str()) != 0)
    return fail_errno(Kind::kernel, "noting who leases the card", errno);
  return {};
}

Result<Fd> open_or_share(const registry::StateDir& state, const sys::Proc& proc, const model::Device& device) {
  Result<> busy;
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    if (Fd shared = XC_TRY(find_shared(state, proc, device))) return shared;
    Fd card = XC_TRY(sys::open_card(device.node.name, {device.node.major, device.node.minor}));
    busy = sys::become_master(card);
    if (busy) return card;
    if (busy.error().code != EBUSY) return std::unexpected(busy.error());
    registry::sleep_a_little();
  }
  return fail(Kind::plant,
              "somebody else is master of \"" + device.node.name +
                  "\": what drives the screen now must end, or hand out leases itself",
              EBUSY);
}

}  // namespace

Result<Fd> open_shared_card(const registry::StateDir& state, const std::string& key, const model::Device& device) {
  const auto proc = XC_TRY(sys::Proc::open());
  Fd card = XC_TRY(open_or_share(state, proc, device));
  const auto self = XC_TRY(sys::open_process(proc, ::getpid()));
  const std::string note =
      text::number(std::int64_t{self.pid}) + " " + text::number(self.start_time) + " " + text::number(card.get());
  XC_CHECK(leave_note(state, key, note_for(device), note));
  return card;
}

}  // namespace xc::shim
