#include "inject/container.h"

#include "sys/container_root.h"
#include "sys/id_map.h"
#include "sys/net_neighbours.h"

namespace xc::inject {

Result<HeldContainer> hold(const sys::Proc& proc, const model::Container& container) {
  sys::Process init = XC_TRY(sys::open_process(proc, static_cast<pid_t>(container.pid)));
  sys::Namespaces namespaces = XC_TRY(sys::open_namespaces(init));
  const sys::Owner owner = XC_TRY(sys::owner_of_root(proc, init, namespaces));
  sys::RootedDir root = XC_TRY(sys::open_container_root(proc, init, container.root));
  auto insiders = XC_TRY(sys::insiders_of(proc, init, namespaces));
  const sys::FileId id = XC_TRY(sys::id_of(root.get()));
  const auto ours = XC_TRY(sys::own_namespaces(proc));
  const bool shared = XC_TRY(sys::same_file(ours.net.get(), namespaces.net.get()));
  if (!XC_TRY(sys::is_alive(init))) return fail(Kind::kernel, "the container has ended");
  return HeldContainer{std::move(init), std::move(namespaces), owner, std::move(root), id, shared, std::move(insiders)};
}

Result<bool> has_net_neighbours(const sys::Proc& proc, const HeldContainer& held) {
  return !held.shared_net && XC_TRY_IN("its network", sys::has_net_neighbours(proc, held.init, held.namespaces.net));
}

}  // namespace xc::inject
