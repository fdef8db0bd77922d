// The files of one container: its config.json's hooks, what it asks for, what would be refused.
#include <algorithm>

#include "advice/judge.h"
#include "base/text.h"

namespace xc::advice {
namespace {

void judge_call(const Facts& facts, const std::string& where, const model::HookCall& call, Findings& findings) {
  judge_program(facts, where, call.path, false, findings);
  if (!call.path.starts_with('/'))
    findings.push_back({Severity::broken, where, "the path of the hook is not absolute",
                        "the engine refuses the container", "\"path\": \"/usr/libexec/xconnect/xc-hook\""});
  if (call.timeout == std::optional<std::uint64_t>(0))
    findings.push_back({Severity::broken, where, "\"timeout\" is 0",
                        "runc ends the hook at once: the container does not start", "\"timeout\": 10"});
  if (call.stage != "createRuntime" && call.stage != "prestart" && call.stage != "poststop")
    findings.push_back({Severity::broken, where, "xc-hook is called at the wrong stage " + text::quoted(call.stage),
                        call.stage == "poststart"
                            ? "the container's program runs already, and would not find its links"
                            : "there it is inside the container, and refuses: the container does not start",
                        "move it to \"createRuntime\": xc-inject hooks print runc says the lines"});
  // The stage it is told wins over the state it is given.
  const bool told_other = std::ranges::any_of(call.args, [&](const std::string& word) {
    return (word == "poststop") != (call.stage == "poststop") && (word == "poststop" || word == "createRuntime");
  });
  if (told_other)
    findings.push_back({Severity::warning, where, "the arguments name another stage than " + text::quoted(call.stage),
                        "the hook does what its argument says", "the argument after \"xc-hook\" is the stage"});
}

void judge_oci(const Facts& facts, const Bundle& bundle, Findings& findings) {
  const std::string file = bundle.directory + "/config.json";
  if (!bundle.error.empty()) {
    findings.push_back({Severity::broken, file, "cannot be read: " + bundle.error, "the engine or the hook refuses it",
                        "correct the file"});
    return;
  }
  bool start = false;
  bool end = false;
  const std::size_t before = findings.size();
  for (const model::HookCall& call : bundle.hooks) {
    if (!is_ours(call.path)) continue;
    judge_call(facts, file + ": " + call.stage, call, findings);
    start = start || call.stage != "poststop";
    end = end || call.stage == "poststop";
  }
  const bool by_podman = std::ranges::any_of(
      facts.hooks_d, [](const HooksD& one) { return one.masked.empty() && one.read && is_ours(one.read->hook.path); });
  if (!start && bundle.asks)
    findings.push_back({by_podman ? Severity::note : Severity::broken, file, "has no createRuntime hook for xc-hook",
                        by_podman ? "podman adds it from hooks.d; runc and crun would start it without its links"
                                  : "the container starts without the links its manifest asks for",
                        "put what `xc-inject hooks print runc` says into config.json"});
  if (start && !end)
    findings.push_back({Severity::warning, file, "has no poststop hook for xc-hook",
                        "what a killed shim left stays until the next start of the same container",
                        "put what `xc-inject hooks print runc` says into config.json"});
  if (start && findings.size() == before)
    findings.push_back({Severity::good, file, "calls xc-hook at the right stages", "", ""});
}

}  // namespace

void judge_bundle(const Facts& facts, Findings& findings) {
  if (!facts.bundle) {
    const bool known = std::ranges::any_of(facts.containers, [&](const auto& one) { return one.name == facts.asked; });
    if (!facts.asked.empty() && !known)
      findings.push_back({Severity::broken, facts.asked,
                          "no such container is served, and there is no directory of that name",
                          "it does not run, its engine did not call xc-hook, or it asks for nothing",
                          "name its bundle, or LXC's directory of it: xc-inject doctor DIRECTORY"});
    return;
  }
  const Bundle& bundle = *facts.bundle;
  if (bundle.oci) judge_oci(facts, bundle, findings);
  if (!bundle.refusal.empty())
    findings.push_back({Severity::broken, bundle.name, "the hook would refuse it: " + bundle.refusal,
                        "the container does not start", "xc-inject check and xc-inject plan show the place"});
  for (const std::string& warning : bundle.warnings)
    findings.push_back({Severity::warning, bundle.name, warning, "", "xc-inject plan " + bundle.directory});
  for (const std::string& service : bundle.unoffered)
    findings.push_back({Severity::warning, bundle.name, "nobody offers " + text::quoted(service) + " now",
                        "the link is made, and a call through it fails until somebody does",
                        "start its provider, or add the service to /etc/xconnect/services.d"});
  if (!bundle.asks)
    findings.push_back({Severity::warning, bundle.directory,
                        "asks for nothing: no run.json, no services.json, no annotation of ours",
                        "the hook has nothing to do for it", "write a run.json; see xc-inject(1)"});
}

}  // namespace xc::advice
