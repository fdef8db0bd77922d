// Facts -> findings: what is wrong, what it means, what mends it. Pure; the same facts give the same findings.
#pragma once

#include "advice/facts.h"
#include "advice/finding.h"

namespace xc::advice {

/// Everything that can be said of `facts`.
[[nodiscard]] Findings judge(const Facts& facts);

// Parts of it, each for one subject; they add to `findings`.
void judge_kernel(const Facts& facts, Findings& findings);
void judge_engines(const Facts& facts, Findings& findings);
void judge_programs(const Facts& facts, Findings& findings);
void judge_hooks_d(const Facts& facts, Findings& findings);
void judge_hooks_dirs(const Facts& facts, bool registered, Findings& findings);
void judge_lxc(const Facts& facts, Findings& findings);
void judge_bundle(const Facts& facts, Findings& findings);
void judge_configuration(const Facts& facts, Findings& findings);
void judge_state(const Facts& facts, Findings& findings);
void judge_devices(const ContainerFact& container, Findings& findings);

/// True for a path whose last name is xc-hook: an entry that means us.
[[nodiscard]] bool is_ours(const std::string& program);

/// What is wrong with a hook program; `where` says who names it, `silent` whether the engine would say so.
void judge_program(const Facts& facts, const std::string& where, const std::string& program, bool silent,
                   Findings& findings);

}  // namespace xc::advice
