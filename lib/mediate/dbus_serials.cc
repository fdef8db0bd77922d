// Calls that wait for their reply; see the header. Pure, runs in the worker.
#include "mediate/dbus_serials.h"

#include "mediate/dbus_syntax.h"

namespace xc::mediate::dbus {

std::uint32_t CallsOut::next_serial() {
  do {
    ++last_;
  } while (last_ == 0 || calls_.contains(last_));
  return last_;
}

void CallsOut::add(std::uint32_t serial, Call call) {
  if (call.ordered) ++ordered_;
  calls_.emplace(serial, std::move(call));
}

const Call* CallsOut::find(std::uint32_t serial) const {
  const auto found = calls_.find(serial);
  return found == calls_.end() ? nullptr : &found->second;
}

std::optional<Call> CallsOut::take(std::uint32_t serial, std::string_view sender, bool error) {
  const auto found = calls_.find(serial);
  if (found == calls_.end()) return std::nullopt;
  const std::string& peer = found->second.peer;
  const bool by_bus = sender == bus_name;
  // The owner of a well-known name answers under its unique name; which one that was, the bus knows and enforces.
  const bool by_owner = !by_bus && peer != bus_name && !is_unique_name(peer) && is_unique_name(sender);
  if (sender != peer && !by_owner && !(by_bus && error)) return std::nullopt;
  Call call = std::move(found->second);
  calls_.erase(found);
  if (call.ordered) --ordered_;
  return call;
}

bool CallsIn::add(std::string_view peer, std::uint32_t serial) {
  if (count_ >= capacity) return false;
  const auto calls = peers_.try_emplace(std::string(peer)).first;
  if (calls->second.size() >= capacity_per_peer) return false;
  if (calls->second.insert(serial).second) ++count_;
  return true;
}

bool CallsIn::take(std::string_view peer, std::uint32_t serial) {
  const auto calls = peers_.find(peer);
  if (calls == peers_.end() || calls->second.erase(serial) == 0) return false;
  --count_;
  if (calls->second.empty()) peers_.erase(calls);
  return true;
}

void CallsIn::forget(std::string_view peer) {
  const auto calls = peers_.find(peer);
  if (calls == peers_.end()) return;
  count_ -= calls->second.size();
  peers_.erase(calls);
}

}  // namespace xc::mediate::dbus
