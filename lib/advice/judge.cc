#include "advice/judge.h"

namespace xc::advice {

Findings judge(const Facts& facts) {
  Findings findings;
  judge_kernel(facts, findings);
  judge_engines(facts, findings);
  judge_programs(facts, findings);
  judge_hooks_d(facts, findings);
  judge_lxc(facts, findings);
  judge_configuration(facts, findings);
  judge_state(facts, findings);
  judge_bundle(facts, findings);
  return findings;
}

}  // namespace xc::advice
