// Files of hooks.d, as podman and CRI-O read them (oci-hooks(5)).
#include <algorithm>
#include <array>
#include <string_view>

#include "advice/judge.h"
#include "base/text.h"

namespace xc::advice {
namespace {

constexpr std::array<std::string_view, 7> known_stages{
    "precreate", "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"};

struct Registered {
  bool start = false;
  bool end = false;
};

void judge_stages(const std::string& where, const model::HooksFile& file, bool ours, Registered& registered,
                  Findings& findings) {
  for (const std::string& stage : file.stages) {
    if (std::ranges::find(known_stages, stage) == known_stages.end())
      findings.push_back({Severity::broken, where, text::quoted(stage) + " is no stage of hooks",
                          "podman refuses to start every container, also those that do not use this hook",
                          "use createRuntime and poststop"});
    if (!ours) continue;
    if (stage == "createRuntime" || stage == "prestart") registered.start = true;
    if (stage == "poststop") registered.end = true;
    if (stage == "createContainer" || stage == "startContainer" || stage == "poststart")
      findings.push_back({Severity::broken, where, "xc-hook is called at the wrong stage " + text::quoted(stage),
                          stage == "poststart"
                              ? "the container's program runs already, and would not find its links"
                              : "there it is inside the container, and refuses: the container does not start",
                          "\"stages\": [\"createRuntime\"], or: xc-inject hooks install podman"});
  }
  if (file.stages.empty())
    findings.push_back({Severity::broken, where, "names no stage", "podman refuses to start every container",
                        "\"stages\": [\"createRuntime\"]"});
}

/// Of two engines that read one directory, CRI-O does not know the stage that podman has beyond those of OCI.
void judge_for_crio(const Facts& facts, const std::string& where, const model::HooksFile& file, Findings& findings) {
  const bool runs = std::ranges::any_of(facts.engines, [](const Engine& engine) { return engine.name == "crio"; });
  if (!runs || std::ranges::find(file.stages, "precreate") == file.stages.end()) return;
  findings.push_back({Severity::broken, where, "CRI-O knows no stage \"precreate\"",
                      "CRI-O refuses the directory, and does not start",
                      "xc-inject hooks remove podman, then: xc-inject hooks install crio"});
}

void judge_conditions(const std::string& where, const model::HooksFile& file, Findings& findings) {
  if (!file.conditions)
    findings.push_back({Severity::broken, where, "\"when\" holds no condition",
                        "podman refuses to start every container",
                        R"("when": { "annotations": { "^io\\.xconnect\\.": "" } })"});
  for (const auto& [key, value] : file.annotations) {
    if (!key.starts_with('^'))
      findings.push_back({Severity::warning, where, "the annotation pattern " + text::quoted(key) + " is not anchored",
                          "patterns are searched for, not matched: any key that holds it somewhere calls the hook",
                          R"(write "^io\\.xconnect\\.")"});
    if (!value.empty() && !value.starts_with('^'))
      findings.push_back({Severity::warning, where,
                          "the pattern " + text::quoted(value) + " for the value of an annotation is not anchored",
                          "it matches any value that holds it somewhere: \"n\" matches \"on\" and \"none\"",
                          "begin it with '^' and end it with '$', or leave it empty"});
  }
}

void judge_ours(const Facts& facts, const HooksD& file, Findings& findings) {
  judge_program(facts, file.path, file.read->hook.path, true, findings);
  judge_conditions(file.path, *file.read, findings);
  const auto& hook = file.read->hook;
  if (hook.timeout == std::optional<std::uint64_t>(0))
    findings.push_back({Severity::broken, file.path, "\"timeout\" is 0",
                        "runc ends the hook at once: no container starts", "\"timeout\": 10"});
  else if (hook.timeout && *hook.timeout < 3)
    findings.push_back({Severity::warning, file.path,
                        "\"timeout\" is " + text::number(*hook.timeout) + " seconds, and xc-hook gives itself 2",
                        "on a busy host the engine ends it before it has said why", "\"timeout\": 10"});
  if (hook.args.empty() || hook.args.front().empty())
    findings.push_back(
        {Severity::note, file.path, "\"args\" is empty", "the hook is called without its own name in front", ""});
}

}  // namespace

void judge_hooks_d(const Facts& facts, Findings& findings) {
  const std::size_t before = findings.size();
  Registered registered;
  for (const HooksD& file : facts.hooks_d) {
    if (!file.masked.empty()) {
      findings.push_back({Severity::warning, file.path, "is masked by " + file.masked,
                          "of two files with one name podman reads that of the later directory alone",
                          "remove one of the two"});
      continue;
    }
    if (!file.read) {
      findings.push_back({Severity::broken, file.path, "cannot be read: " + file.error,
                          "podman refuses to start every container, also those that do not use this hook",
                          "correct it or remove it; ours are written anew by: xc-inject hooks install podman"});
      continue;
    }
    const bool ours = is_ours(file.read->hook.path);
    if (file.read->version != "1.0.0")
      findings.push_back({Severity::broken, file.path, "has version " + text::quoted(file.read->version),
                          "podman refuses to start every container", "\"version\": \"1.0.0\""});
    judge_stages(file.path, *file.read, ours, registered, findings);
    judge_for_crio(facts, file.path, *file.read, findings);
    if (ours) judge_ours(facts, file, findings);
  }
  judge_hooks_dirs(facts, registered.start, findings);
  if (registered.start && !registered.end)
    findings.push_back({Severity::warning, "hooks.d", "xc-hook is registered for createRuntime and not for poststop",
                        "what a killed shim left stays until the next start of the same container",
                        "xc-inject hooks install podman"});
  if (findings.size() == before && registered.start)
    findings.push_back({Severity::good, "hooks.d", "xc-hook is registered for podman", "", ""});
}

}  // namespace xc::advice
