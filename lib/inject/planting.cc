#include "inject/planting.h"

#include <algorithm>
#include <ranges>

#include "base/pack.h"

namespace xc::inject {
namespace {

void undo_all(const HeldContainer& container, const sys::Proc& proc, const std::vector<sys::Planted>& planted) {
  for (const auto& one : std::views::reverse(planted)) (void)sys::undo(container.root, proc, one);
}

/// In the child, inside the container's mount namespace.
Result<std::vector<Outcome>> plant_here(const sys::Proc& proc, const HeldContainer& container,
                                        const std::vector<Planting>& plantings) {
  std::vector<Outcome> outcomes;
  std::vector<sys::Planted> done;
  for (const Planting& planting : plantings) {
    auto planted = sys::plant_file(container.root, proc, planting.target, planting.tree, container.owner);
    if (!planted && planting.required) {
      undo_all(container, proc, done);
      return std::unexpected(std::move(planted).error());
    }
    if (planted) {
      done.push_back(*planted);
      outcomes.push_back({std::move(*planted), {}});
    } else {
      outcomes.push_back({std::nullopt, std::move(planted.error().text)});
    }
  }
  return outcomes;
}

}  // namespace

Result<std::vector<Outcome>> plant_all(const sys::Proc& proc, const HeldContainer& container,
                                       const std::vector<Planting>& plantings, sys::Deadline deadline) {
  const auto work = [&]() -> Result<sys::Answer> {
    XC_CHECK(sys::enter_mount_namespace(container.namespaces.mount));
    return sys::Answer{pack(XC_TRY(plant_here(proc, container, plantings)))};
  };
  const auto answer = XC_TRY(sys::run_child(work, deadline));
  auto outcomes = XC_TRY(unpack<std::vector<Outcome>>(answer.bytes));
  if (outcomes.size() != plantings.size()) return fail(Kind::internal, "planting answered for another list");
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
