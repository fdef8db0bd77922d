// Lines of LXC's configuration (lxc.container.conf(5)).

#include "advice/judge.h"
#include "base/text.h"

namespace xc::advice {
namespace {

std::string place_of(const LxcLine& line) {
  return line.file + ":" + text::number(line.line);
}

/// The program of a line: what the shell that LXC starts would run first.
std::string program_of(const std::string& value) {
  return value.substr(0, value.find(' '));
}

std::string wrong_moment(const std::string& stage) {
  if (stage == "mount" || stage == "autodev" || stage == "start")
    return "there it runs inside the container's namespaces, and refuses: the container does not start";
  if (stage == "pre-start" || stage == "pre-mount") return "the container does not exist yet, and it refuses: no start";
  return "its links would come too late, or not at all";
}

void judge_version(const LxcLine& line, Findings& findings) {
  if (line.key == "lxc.hook.version" && line.value != "0" && line.value != "1")
    findings.push_back({Severity::broken, place_of(line), "lxc.hook.version is " + text::quoted(line.value),
                        "LXC knows 0 and 1, and refuses the container", "lxc.hook.version = 1"});
}

struct Registered {
  bool start = false;
  bool end = false;
  std::string first;
};

Registered judge_lines(const Facts& facts, const std::vector<LxcLine>& lines, Findings& findings) {
  Registered registered;
  for (const LxcLine& line : lines) {
    judge_version(line, findings);
    const std::string program = program_of(line.value);
    if (!line.key.starts_with("lxc.hook.") || !is_ours(program)) continue;
    const std::string stage = line.key.substr(9);
    judge_program(facts, place_of(line), program, false, findings);
    if (registered.first.empty()) registered.first = place_of(line);
    if (!program.starts_with('/'))
      findings.push_back({Severity::broken, place_of(line), "the path of the hook is not absolute",
                          "LXC runs it from whatever directory lxc-start stands in",
                          line.key + " = /usr/libexec/xconnect/xc-hook"});
    if (stage == "start-host") {
      registered.start = true;
    } else if (stage == "post-stop") {
      registered.end = true;
    } else {
      findings.push_back({Severity::broken, place_of(line),
                          "xc-hook is called at the wrong stage " + text::quoted(line.key), wrong_moment(stage),
                          "lxc.hook.start-host and lxc.hook.post-stop"});
    }
  }
  if (registered.start && !registered.end)
    findings.push_back({Severity::warning, registered.first,
                        "there is lxc.hook.start-host for xc-hook, and no lxc.hook.post-stop",
                        "what a killed shim left stays until the next start of the same container",
                        "add: lxc.hook.post-stop = /usr/libexec/xconnect/xc-hook"});
  return registered;
}

}  // namespace

void judge_lxc(const Facts& facts, Findings& findings) {
  const std::size_t before = findings.size();
  const Registered common = judge_lines(facts, facts.lxc, findings);
  if (common.start && findings.size() == before)
    findings.push_back({Severity::good, common.first, "xc-hook is registered for LXC", "", ""});
  if (!facts.bundle || !facts.bundle->lxc) return;
  const Bundle& bundle = *facts.bundle;
  const Registered own = judge_lines(facts, bundle.lines, findings);
  if (!own.first.empty() || !bundle.asks) return;
  const bool elsewhere = common.start;
  findings.push_back({Severity::broken, bundle.directory + "/config",
                      elsewhere ? "does not include " + common.first.substr(0, common.first.rfind(':')) +
                                      ", and has no hook lines of its own"
                                : "has no lxc.hook.start-host for xc-hook",
                      "the container starts without the links its run.json asks for",
                      elsewhere ? "add: lxc.include = /usr/share/lxc/config/common.conf"
                                : "add what `xc-inject hooks print lxc` says"});
}

}  // namespace xc::advice
