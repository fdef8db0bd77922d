#include "inject/planting.h"

#include <algorithm>
#include <ranges>

#include "base/pack.h"
#include "base/text.h"
#include "inject/fallback.h"
#include "model/address.h"
#include "sys/net_visit.h"
#include "sys/notification.h"

namespace xc::inject {
namespace {

constexpr int backlog = 128;

/// Whether a descriptor comes out of planting there.
bool is_held(std::string_view place) {
  return !place.empty() && !model::redirected_path(place);
}

void undo_all(const HeldContainer& container, const sys::Proc& proc, const std::vector<sys::Planted>& planted) {
  for (const auto& one : std::views::reverse(planted)) (void)sys::undo(container.root, proc, one);
}

/// The work of the child, inside the container's mount namespace.
class Gardener {
 public:
  Gardener(const sys::Proc& proc, const HeldContainer& container) : proc_(proc), container_(container) {}

  Result<std::vector<Outcome>> plant(const std::vector<Planting>& plantings);

 private:
  Result<Outcome> plant_one(const Planting& planting);
  Result<> attempt(const Planting& planting, const std::string& place, Outcome& outcome);
  Result<Fd> listen_at_name(const Planting& planting, std::string_view name);
  Result<Fd> listen_at_port(std::uint16_t port);

  const sys::Proc& proc_;
  const HeldContainer& container_;
  std::vector<sys::Planted> done_;
};

Result<std::vector<Outcome>> Gardener::plant(const std::vector<Planting>& plantings) {
  std::vector<Outcome> outcomes;
  for (const Planting& planting : plantings) {
    auto outcome = plant_one(planting);
    if (!outcome) {
      undo_all(container_, proc_, done_);
      return std::unexpected(std::move(outcome).error());
    }
    if (outcome->planted) done_.push_back(*outcome->planted);
    outcomes.push_back(std::move(*outcome));
  }
  return outcomes;
}

Result<Outcome> Gardener::plant_one(const Planting& planting) {
  Outcome outcome;
  Error last;
  for (const std::string& place : planting.places) {
    const auto attempted = attempt(planting, place, outcome);
    if (attempted) {
      outcome.place = place;
      return outcome;
    }
    last = attempted.error();
    const bool stops = after(last) == Next::stop;
    outcome.passed_over.push_back({place, last.text});
    if (stops && planting.required) return std::unexpected(std::move(last));
    if (stops) break;
  }
  if (!planting.required) return outcome;
  if (outcome.passed_over.size() > 1) last.text = "no place takes it: " + sentence_of(outcome.passed_over);
  return std::unexpected(std::move(last));
}

Result<> Gardener::attempt(const Planting& planting, const std::string& place, Outcome& outcome) {
  if (place.starts_with('@')) {
    outcome.held = XC_TRY_IN(text::printable(place), listen_at_name(planting, std::string_view(place).substr(1)));
    return {};
  }
  if (const auto port = model::port_of(place)) {
    outcome.held = XC_TRY_IN(place, listen_at_port(*port));
    return {};
  }
  if (model::redirected_path(place)) return sys::check_notifications();
  const std::string path = model::rendezvous_of(place).value_or(place);
  if (!planting.tree) return fail(Kind::internal, text::printable(place) + ": nothing to plant there");
  const sys::Manner manner{.owner = container_.owner,
                           .directories = planting.directories,
                           .insiders = container_.insiders ? &*container_.insiders : nullptr};
  auto there = XC_TRY(sys::plant_file(container_.root, proc_, path, *planting.tree, manner));
  outcome.planted = std::move(there.planted);
  outcome.held = std::move(there.directory);
  return {};
}

/// Whoever binds a name first has it: before the container's first instruction that is us, or a neighbour with whom the
/// container shares its network.
Result<Fd> Gardener::listen_at_name(const Planting& planting, std::string_view name) {
  XC_CHECK(sys::enter_net_namespace(container_.namespaces.net));
  const auto address = XC_TRY(planting.padded ? sys::UnixAddress::padded(name) : sys::UnixAddress::abstract(name));
  return sys::listen_abstract(address, planting.kind, backlog);
}

/// Of the loopback, in the container's network namespace.
Result<Fd> Gardener::listen_at_port(std::uint16_t port) {
  XC_CHECK(sys::enter_net_namespace(container_.namespaces.net));
  return sys::listen_loopback(port, backlog);
}

}  // namespace

bool lies_with_us(std::string_view place) {
  return is_file(place) || model::redirected_path(place).has_value();
}

bool is_file(std::string_view place) {
  return place.starts_with('/') || model::rendezvous_of(place).has_value();
}

std::string sentence_of(const std::vector<model::Attempt>& attempts) {
  std::string sentence;
  for (const model::Attempt& attempt : attempts) sentence += (sentence.empty() ? "" : "; ") + attempt.reason;
  return sentence;
}

Result<std::vector<Outcome>> plant_all(const sys::Proc& proc, const HeldContainer& container,
                                       const std::vector<Planting>& plantings, sys::Deadline deadline) {
  const auto work = [&]() -> Result<sys::Answer> {
    XC_CHECK(sys::enter_mount_namespace(container.namespaces.mount));
    auto outcomes = XC_TRY(Gardener(proc, container).plant(plantings));
    std::vector<Fd> held;
    for (Outcome& outcome : outcomes)
      if (outcome.held) held.push_back(std::move(outcome.held));
    return sys::Answer{pack(std::move(outcomes)), std::move(held)};
  };
  auto answer = XC_TRY(sys::run_child(work, deadline));
  auto outcomes = XC_TRY(unpack<std::vector<Outcome>>(answer.bytes));
  auto held = answer.descriptors.begin();
  for (Outcome& outcome : outcomes)
    if (is_held(outcome.place) && held != answer.descriptors.end()) outcome.held = std::move(*held++);
  const bool fits =
      outcomes.size() == plantings.size() && held == answer.descriptors.end() &&
      std::ranges::all_of(outcomes, [](const Outcome& one) {
        return is_held(one.place) == static_cast<bool>(one.held) && one.planted.has_value() == is_file(one.place);
      });
  if (!fits) return fail(Kind::internal, "planting answered for another list");
  return outcomes;
}

Result<> take_away(const sys::Proc& proc, const HeldContainer& container, const std::vector<sys::Planted>& planted,
                   sys::Deadline deadline) {
  if (planted.empty()) return {};
  const auto work = [&]() -> Result<sys::Answer> {
    XC_CHECK(sys::enter_mount_namespace(container.namespaces.mount));
    undo_all(container, proc, planted);
    return sys::Answer{};
  };
  XC_CHECK(sys::run_child(work, deadline));
  return {};
}

}  // namespace xc::inject
