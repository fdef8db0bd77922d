// Records of containers as files, and what to do when a container is gone. Nothing here trusts a pid: a record belongs
// to a process with that pid *and* that start time.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "registry/record.h"
#include "registry/state_dir.h"
#include "sys/child.h"

namespace xc::registry {

/// The entry c/KEY/ of one container while a hook works on it; nobody else does until it is dropped.
struct Entry {
  Fd directory;         ///< locked (flock(2))
  bool served = false;  ///< another hook has already done everything for this very container
};

/// Makes the entry and writes its record, or finds it done: the hook was called twice (R14). Waits for another hook
/// that works on it, at most until `deadline`. An entry that a killed hook left half done is an error.
[[nodiscard]] Result<Entry> enter(const StateDir& state, const Record& record, sys::Deadline deadline);
/// The same for the entry `key`, which is there and done: for whoever changes it later. Kind::usage when it is not
/// there.
struct Reentered {
  Entry entry;
  Record record;
};
[[nodiscard]] Result<Reentered> reenter(const StateDir& state, const std::string& key, sys::Deadline deadline);
/// Replaces the record of an entry; readers see the old one or the new one.
[[nodiscard]] Result<> update(const StateDir& state, const Record& record);
/// Shows the record's offers to consumers.
[[nodiscard]] Result<> publish(const StateDir& state, const Record& record);

/// What a file is called while it is written; then it is renamed to `name`.
[[nodiscard]] std::string half_written(const std::string& name);
/// The record of entry `key`; nullopt when there is none.
[[nodiscard]] Result<std::optional<Record>> read(const StateDir& state, const std::string& key);
/// Names in a directory (borrowed), hidden ones too, but not "." and "..". An error says that they are not all known:
/// not that there are none.
[[nodiscard]] Result<std::vector<std::string>> names_in(int directory);
/// Keys of all entries, of the living and the dead.
[[nodiscard]] Result<std::vector<std::string>> keys(const StateDir& state);
/// Calls `visit` with the record of every container that offers something, one after the other: images decide how large
/// they are. One that cannot be read is an error: without it another provider of the same service would be taken for
/// the only one.
[[nodiscard]] Result<> visit_offering(const StateDir& state, const std::function<Result<>(Record)>& visit);
/// When offers last came or went, in nanoseconds: as long as it is the same, so are they. Nothing when that was so
/// recently that a further change could bear the same time, or when it cannot be told.
[[nodiscard]] std::optional<std::int64_t> offers_unchanged_since(const StateDir& state);

/// Is the process that was written down still that process? An error says that it could not be seen: not that it ended.
[[nodiscard]] Result<bool> is_alive(const model::Instance& init);

}  // namespace xc::registry
