// A running container that the registry knows, by the words of a person. Runs in xc-inject.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"
#include "inject/container.h"
#include "registry/record.h"
#include "registry/state_dir.h"

namespace xc::app {

/// Key of the living container's entry, by its name or by the pid of its first process; nothing when there is none.
[[nodiscard]] Result<std::optional<std::string>> find_entry(const registry::StateDir& state, const std::string& what);

/// Takes hold of it. Refused when its first process is another by now, or has left the root that its hook saw.
[[nodiscard]] Result<inject::HeldContainer> hold_recorded(const sys::Proc& proc, const registry::Record& record);

/// The same outcome; an error with the container's name in front.
template <class T>
[[nodiscard]] Result<T> in_its_name(std::string_view name, Result<T> outcome) {
  if (outcome) return outcome;
  return std::unexpected(in_context(name, std::move(outcome).error()));
}

}  // namespace xc::app
