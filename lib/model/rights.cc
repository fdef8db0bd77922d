// Questions about rights; pure.
#include "model/rights.h"

namespace xc::model {

std::uint32_t descriptor_limit(const Rights& rights) {
  std::uint32_t limit = 0;
  for (const Layer& layer : rights.layers) {
    for (const RoleRules& rules : layer.any) {
      const std::uint32_t wanted = rules.raw_unix ? rules.raw_unix->fds : 0;
      const auto enough = [wanted](const UnixRules& r) { return r.fds >= wanted; };
      if (wanted > limit && grants(rights, &RoleRules::raw_unix, enough)) limit = wanted;
    }
  }
  return limit;
}

std::uint32_t vchan_descriptor_limit(const Rights& rights) {
  constexpr std::uint32_t memory_and_bells = 3;  // what libvchan-socket offers with its first bytes
  return permits(rights, &RoleRules::vchan, [](const VchanRules& rules) { return rules.shm; }) ? memory_and_bells : 0;
}

}  // namespace xc::model
