// Who owns which name; see the header. Pure, runs in the worker.
#include "mediate/dbus_names.h"

#include <algorithm>

#include "mediate/dbus_syntax.h"

namespace xc::mediate::dbus {

void Names::drop_owner(const std::string& name) {
  const auto owner = owners_.find(name);
  if (owner == owners_.end()) return;
  auto& names = connections_[owner->second];
  std::erase(names, name);
  if (names.empty() && connections_.size() > max_owners) connections_.erase(owner->second);
  owners_.erase(owner);
}

void Names::set_owner(std::string_view name, std::string_view owner) {
  if (is_unique_name(name) || policy_.level(name) == Level::none) return;
  const std::string key(name);
  drop_owner(key);
  if (owner.empty() || owners_.size() >= max_owners) return;
  owners_.emplace(key, owner);
  connections_[std::string(owner)].push_back(key);
}

const std::vector<std::string>& Names::names_of(std::string_view unique) const {
  static const std::vector<std::string> none;
  const auto connection = connections_.find(unique);
  return connection == connections_.end() ? none : connection->second;
}

void Names::add_caller(std::string_view unique) {
  if (callers_.size() < max_callers) callers_.emplace(unique);
}

Level Names::level(std::string_view name) const {
  if (name == bus_name || policy_.all()) return Level::own;
  if (!is_unique_name(name)) return policy_.level(name);
  if (name == self_) return Level::talk;
  Level best = is_caller(name) || policy_.unique_names() ? Level::see : Level::none;
  for (const std::string& owned : names_of(name)) best = std::max(best, std::min(policy_.level(owned), Level::talk));
  return best;
}

bool Names::take(const OwnerChange& change) {
  if (is_unique_name(change.name)) return take_unique(change);
  set_owner(change.name, change.after);
  return visible(change.name);
}

bool Names::take_unique(const OwnerChange& change) {
  const bool seen = visible(change.name) || connections_.contains(change.name);
  if (!change.after.empty()) return seen;
  if (const auto caller = callers_.find(change.name); caller != callers_.end()) callers_.erase(caller);
  if (const auto connection = connections_.find(change.name); connection != connections_.end()) {
    for (const std::string& name : connection->second) owners_.erase(name);
    connections_.erase(connection);
  }
  return seen;
}

}  // namespace xc::mediate::dbus
