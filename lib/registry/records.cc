#include "registry/records.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>

#include "base/json_out.h"
#include "base/text.h"
#include "parse/json_in.h"
#include "sys/proc.h"
#include "sys/process.h"
#include "sys/small_file.h"

namespace xc::registry {
namespace {

constexpr std::size_t record_limit = std::size_t{1024} * 1024;

std::string key_of(const Record& record) {
  return registry::key_of(record.container.name, record.init.pid);
}

/// 0, or the errno that kept a part of `text` out: a full file system takes some of it first.
int write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(file, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return 0;
}

/// Whole or not at all: written under another name, then renamed.
Result<> replace_file(int directory, const std::string& name, const std::string& text) {
  const std::string fresh = half_written(name);
  const Fd file{::openat(directory, fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!file) return fail_errno(Kind::kernel, name, errno);
  int code = write_all(file.get(), text);
  if (code == 0 && ::renameat(directory, fresh.c_str(), directory, name.c_str()) != 0) code = errno;
  if (code == 0) return {};
  (void)::unlinkat(directory, fresh.c_str(), 0);
  return fail_errno(Kind::kernel, name, code);
}

/// One that could not be read again would keep others from cleaning up, too.
Result<std::string> text_of(const Record& record) {
  std::string text = to_json(record);
  if (text.size() <= record_limit) return text;
  return fail(Kind::manifest, "what it offers and is granted makes a record longer than 1 MiB");
}

Result<Record> read_record(int directory, const std::string& name) {
  const std::string text = XC_TRY(sys::read_file(directory, name, record_limit));
  return parse::from_json<Record>(text, name);
}

/// Makes the directory if need be and locks it; starts again when its last holder removed it meanwhile.
Result<Fd> lock_entry(int containers, const std::string& key, sys::Deadline deadline) {
  for (;;) {
    if (::mkdirat(containers, key.c_str(), 0700) != 0 && errno != EEXIST)
      return fail_errno(Kind::kernel, "mkdir", errno);
    Fd directory{::openat(containers, key.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
    if (!directory && errno == ENOENT) continue;
    if (!directory) return fail_errno(Kind::kernel, "open", errno);
    XC_CHECK(lock_until(directory, deadline));
    struct stat info{};
    if (::fstat(directory.get(), &info) != 0) return fail_errno(Kind::kernel, "fstat", errno);
    if (info.st_nlink > 0) return directory;
  }
}

/// A state document that names the process of another container would plant one's links into the other. What cannot be
/// read says nothing about this one.
Result<> is_nobody_elses(const StateDir& state, const Record& record) {
  const std::string own = key_of(record);
  const std::string same_pid = registry::key_of("", record.init.pid);
  for (const auto& key : XC_TRY(keys(state))) {
    if (key == own || !key.ends_with(same_pid)) continue;
    const auto other = read(state, key);
    if (other && *other && (**other).init.start_time == record.init.start_time)
      return fail(Kind::plant, "process " + text::number(record.init.pid) + " is the first process of container " +
                                   text::quoted((**other).container.name) +
                                   "; the state document and the container do not belong together");
  }
  return {};
}

}  // namespace

std::string half_written(const std::string& name) {
  return "." + name + ".new";
}

Result<Entry> enter(const StateDir& state, const Record& record, sys::Deadline deadline) {
  XC_CHECK(is_nobody_elses(state, record));
  const std::string key = key_of(record);
  Entry entry{XC_TRY_IN(state.path() + "/c/" + key, lock_entry(state.containers(), key, deadline))};
  const auto present = XC_TRY(read(state, key));
  if (!present) {
    auto written = update(state, record);
    if (written) return entry;
    (void)::unlinkat(state.containers(), key.c_str(), AT_REMOVEDIR);
    return std::unexpected(std::move(written).error());
  }
  entry.served = present->served && present->init.start_time == record.init.start_time;
  if (entry.served) return entry;
  return fail(Kind::kernel, state.path() + "/c/" + key +
                                ": left half done by a hook that was killed; stop the container and start it again");
}

Result<Reentered> reenter(const StateDir& state, const std::string& key, sys::Deadline deadline) {
  Fd directory{::openat(state.containers(), key.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!directory) return fail_errno(Kind::usage, key, errno);
  XC_CHECK_IN(state.path() + "/c/" + key, lock_until(directory, deadline));
  auto record = XC_TRY(read(state, key));
  if (!record || !record->served) return fail(Kind::usage, key + ": no such container is served");
  return Reentered{{std::move(directory), true}, std::move(*record)};
}

Result<> update(const StateDir& state, const Record& record) {
  const Fd entry{::openat(state.containers(), key_of(record).c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!entry) return fail_errno(Kind::kernel, key_of(record), errno);
  return replace_file(entry.get(), "record", XC_TRY(text_of(record)));
}

Result<> publish(const StateDir& state, const Record& record) {
  return replace_file(state.offers(), key_of(record), XC_TRY(text_of(record)));
}

Result<std::optional<Record>> read(const StateDir& state, const std::string& key) {
  auto record = read_record(state.containers(), key + "/record");
  if (record) return std::optional<Record>(std::move(*record));
  if (record.error().code == ENOENT) return std::optional<Record>{};
  return std::unexpected(in_context(state.path(), std::move(record).error()));
}

Result<std::vector<std::string>> names_in(int directory) {
  std::vector<std::string> names;
  // A descriptor of its own: closedir(3) closes what it was given, and the position is not shared.
  const int copy = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(copy < 0 ? nullptr : ::fdopendir(copy), &::closedir);
  if (!listing) {
    const int code = errno;
    if (copy >= 0) ::close(copy);
    return fail_errno(Kind::kernel, "listing a directory", code);
  }
  errno = 0;
  while (const dirent* entry = ::readdir(listing.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
    errno = 0;  // readdir(3) tells its end from an error by this alone
  }
  if (errno != 0) return fail_errno(Kind::kernel, "listing a directory", errno);
  return names;
}

Result<std::vector<std::string>> keys(const StateDir& state) {
  return names_in(state.containers());
}

Result<> visit_offering(const StateDir& state, const std::function<Result<>(Record)>& visit) {
  for (const auto& name : XC_TRY(names_in(state.offers()))) {
    if (name.starts_with('.')) continue;  // still being written: see replace_file()
    auto record = read_record(state.offers(), name);
    if (!record && record.error().code == ENOENT) continue;  // withdrawn just now
    if (!record) return std::unexpected(in_context(state.path() + "/offers", std::move(record).error()));
    XC_CHECK(visit(std::move(*record)));
  }
  return {};
}

std::optional<std::int64_t> offers_unchanged_since(const StateDir& state) {
  constexpr std::int64_t second = 1'000'000'000;
  constexpr std::int64_t coarse = second / 20;  // file times advance with the kernel's tick, 10 ms at most
  struct stat info{};
  timespec now{};
  if (::fstat(state.offers(), &info) != 0 || ::clock_gettime(CLOCK_REALTIME, &now) != 0) return std::nullopt;
  const std::int64_t changed = info.st_mtim.tv_sec * second + info.st_mtim.tv_nsec;
  if (now.tv_sec * second + now.tv_nsec - changed < coarse) return std::nullopt;
  return changed;
}

Result<bool> is_alive(const model::Instance& init) {
  const auto proc = XC_TRY(sys::Proc::open());
  const auto process = XC_TRY(sys::find_process(proc, static_cast<pid_t>(init.pid), init.start_time));
  return process.has_value();
}

}  // namespace xc::registry
