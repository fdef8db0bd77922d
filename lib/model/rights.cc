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

}  // namespace xc::model
