#include "registry/leftovers.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <vector>

#include "base/text.h"
#include "registry/records.h"
#include "sys/cgroup.h"
#include "sys/child.h"
#include "sys/log.h"
#include "sys/planted_file.h"
#include "sys/process.h"
#include "sys/unix_socket.h"

namespace xc::registry {
namespace {

constexpr std::chrono::seconds patience{2};
constexpr std::chrono::milliseconds patience_with_the_dying{500};

/// The pid at the end of "<name>.<pid>"; 0 when there is none.
std::int64_t pid_in(std::string_view key) {
  return static_cast<std::int64_t>(text::parse_number(key.substr(key.rfind('.') + 1)).value_or(0));
}

/// Is the container of this entry gone? With `thorough` a pid that now is somebody else's is seen through. What cannot
/// be seen (no descriptor left, no memory) may be running: it is not gone.
bool is_gone(const StateDir& state, const std::string& key, bool thorough) {
  if (::access(("/proc/" + text::number(pid_in(key))).c_str(), F_OK) != 0) return errno == ENOENT;
  if (!thorough) return false;
  const auto record = read(state, key);
  return record && *record && !is_alive((**record).init).value_or(true);
}

/// What can be found from the host: not what lies on a volume, and nothing of a root that only the container mounted.
Result<> clean_root(const Record& record) {
  if (record.container.root.empty()) return {};
  const auto proc = XC_TRY(sys::Proc::open());
  const auto root = XC_TRY(sys::RootedDir::open(record.container.root));
  if (XC_TRY(sys::id_of(root.get())) != record.root) return {};  // unmounted by the engine already
  for (auto planted = record.planted.rbegin(); planted != record.planted.rend(); ++planted)
    (void)sys::undo(root, proc, *planted);  // what cannot be undone has been changed by somebody: it is theirs
  return {};
}

/// Stubs and directories. In a child, because they may lie on a file system that hangs, and under a deadline.
Result<> clean(const Record& record, const std::vector<Fd>& directories) {
  if (record.planted.empty()) return {};
  const auto work = [&]() -> Result<sys::Answer> {
    if (directories.size() != record.planted.size()) {
      XC_CHECK(clean_root(record));
      return sys::Answer{};
    }
    for (auto i = directories.size(); i-- > 0;) sys::remove_from(directories[i].get(), record.planted[i]);
    return sys::Answer{};
  };
  auto outcome = sys::run_child(work, std::chrono::steady_clock::now() + patience);
  if (!outcome) return std::unexpected(std::move(outcome).error());
  return {};
}

/// Unless another life of that name has one, which answers.
void remove_redirector(const StateDir& state, const std::string& name) {
  const Fd file{::openat(state.redirectors(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (file && !sys::connect_path(file, sys::SocketKind::stream)) (void)::unlinkat(state.redirectors(), name.c_str(), 0);
}

void remove_entry(const StateDir& state, const std::string& key) {
  (void)::unlinkat(state.offers(), key.c_str(), 0);
  (void)::unlinkat(state.offers(), half_written(key).c_str(), 0);  // of a hook that was killed there
  remove_redirector(state, key.substr(0, key.rfind('.')));
  const Fd entry{::openat(state.containers(), key.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!entry) return;
  for (const auto& name : names_in(entry.get()).value_or(std::vector<std::string>{}))
    (void)::unlinkat(entry.get(), name.c_str(), 0);
  if (::unlinkat(state.containers(), key.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT)
    log::warning(state.path() + "/c/" + key + ": cannot be removed: errno " + text::number(errno));
}

/// Does the shim of this entry still run? Its status socket listens until it has released the entry.
bool is_served(const StateDir& state, const std::string& key) {
  const Fd file{::openat(state.containers(), (key + "/status").c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (!file) return false;
  const auto connected = sys::connect_path(file, sys::SocketKind::stream);
  return connected || connected.error().code == EAGAIN;  // a full queue belongs to somebody
}

/// Was there a shim until `deadline`?
bool outlasts(const StateDir& state, const std::string& key, sys::Deadline deadline) {
  while (is_served(state, key)) {
    if (sys::milliseconds_until(deadline) == 0) return true;
    sleep_a_little();
  }
  return false;
}

/// The entry's lock; nothing when the entry is gone, or when somebody works on it until `deadline`.
Fd lock_entry(const StateDir& state, const std::string& key, sys::Deadline deadline) {
  Fd entry{::openat(state.containers(), key.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  struct stat info{};
  if (!entry || !lock_until(entry, deadline) || ::fstat(entry.get(), &info) != 0 || info.st_nlink == 0) return Fd{};
  return entry;
}

}  // namespace

Result<> leave_to_others(const StateDir& state, const std::string& key, Record& record) {
  for (const auto& other_key : XC_TRY(keys(state))) {
    if (other_key == key || is_gone(state, other_key, false)) continue;
    auto other = XC_TRY(read(state, other_key));
    if (!other || !is_alive(other->init).value_or(true)) continue;
    bool changed = false;
    for (auto& theirs : other->planted) {
      const auto same = [&](const sys::Planted& ours) { return ours.made_stub && ours.stub == theirs.stub; };
      const auto ours = std::ranges::find_if(record.planted, same);
      if (ours == record.planted.end()) continue;
      theirs.made_stub = changed = true;
      theirs.made.insert(theirs.made.begin(), ours->made.begin(), ours->made.end());
      ours->made_stub = false;
      ours->made.clear();
    }
    // A hook that is still at work writes its record itself, and leaves the file as one that it found.
    if (changed && other->served) XC_CHECK(update(state, *other));
  }
  return {};
}

void release_held(const StateDir& state, const std::string& key, const std::vector<Fd>& directories) {
  auto record = read(state, key);
  if (!record) {  // what it planted, and for whom, is in there: as long as it is kept, somebody may find out
    log::warning(key + ": left as it is: " + record.error().text);
    return;
  }
  if (*record) {
    auto cleaned = leave_to_others(state, key, **record);
    if (cleaned) cleaned = clean(**record, directories);
    if (!cleaned) log::warning(key + ": " + cleaned.error().text);
  }
  remove_entry(state, key);
}

void release(const StateDir& state, const std::string& key, const model::Instance& init,
             const std::vector<Fd>& directories) {
  const Fd entry = lock_entry(state, key, std::chrono::steady_clock::now() + patience);
  if (!entry) return;
  const auto record = read(state, key);
  if (record && *record && (**record).init.start_time != init.start_time) return;  // unreadable: see release_held()
  release_held(state, key, directories);
}

int sweep(const StateDir& state, std::string_view name) {
  const auto proc = sys::Proc::open();
  int released = 0;
  for (const auto& key : keys(state).value_or(std::vector<std::string>{})) {
    const bool same_name = key.substr(0, key.rfind('.')) == name;
    if (!is_gone(state, key, same_name)) continue;
    // Its shim may be at it. That matters to the next start of that name alone, which may not plant before it is done.
    const auto deadline = std::chrono::steady_clock::now() + (same_name ? patience : std::chrono::seconds{0});
    if (outlasts(state, key, deadline) && !same_name) continue;
    const Fd entry = lock_entry(state, key, deadline);
    if (!entry || !is_gone(state, key, same_name)) continue;
    release_held(state, key);
    if (proc) sys::remove_abandoned_cgroup(*proc, key);  // its shim did so, unless it was killed
    ++released;
  }
  return released;
}

int sweep_stopped(const StateDir& state, std::string_view name) {
  const auto deadline = std::chrono::steady_clock::now() + patience_with_the_dying;
  const auto proc = sys::Proc::open();
  for (const auto& key : keys(state).value_or(std::vector<std::string>{})) {
    if (!proc || key.substr(0, key.rfind('.')) != name) continue;
    const auto record = read(state, key);
    if (!record || !*record) continue;
    const auto& init = (**record).init;
    const auto process = sys::find_process(*proc, static_cast<pid_t>(init.pid), init.start_time);
    if (process && *process) sys::wait_for_end(**process, deadline);
  }
  return sweep(state, name);
}

}  // namespace xc::registry
