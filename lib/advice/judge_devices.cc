// Device nodes of containers that run: whether they can still be opened.
#include "advice/judge.h"
#include "base/text.h"

namespace xc::advice {
namespace {

/// What brings the rule back.
std::string mend_of(const ContainerFact& container, const DeviceFact& device) {
  if (!device.list.empty()) return "echo '" + device.rule + "' > " + device.list + "/devices.allow";
  if (container.shim != "serving") return "start the container again: its shim would have put the rule back";
  const std::string link = device.service + (device.role.empty() ? "" : ":" + device.role) + "=" + device.target;
  return "xc-inject revoke " + container.name + " " + device.service + "=" + device.target + " && xc-inject apply " +
         container.name + " " + link;
}

void judge_rule(const ContainerFact& container, const DeviceFact& device, Findings& findings) {
  const std::string where = container.name + ": " + device.service;
  const std::string rule = text::quoted(device.rule);
  if (!device.unseen.empty())
    findings.push_back({Severity::warning, where, "its device control group cannot be looked at: " + device.unseen,
                        "nobody can say whether " + device.target + " can be opened",
                        "xc-inject explain '" + device.unseen + "'"});
  else if (!device.above.empty())
    findings.push_back(
        {Severity::broken, where, device.above, "opening " + device.target + " fails with EPERM",
         "allow it in the slice or unit above: DeviceAllow=" + std::string("char-*") + " rw, or by number"});
  else if (!device.allowed)
    findings.push_back({Severity::warning, where, "a program decides about " + rule + " that is not understood",
                        "nobody can say whether " + device.target + " can be opened",
                        "find who attached it: bpftool cgroup tree"});
  else if (!*device.allowed)
    findings.push_back({Severity::broken, where, "the rule " + rule + " is not in the container's device control group",
                        "opening " + device.target +
                            " fails with EPERM; systemd (daemon-reload) or the engine (update) "
                            "wrote its rules anew",
                        mend_of(container, device)});
  else
    findings.push_back({Severity::good, where, "the container's device control group allows " + rule, "", ""});
}

}  // namespace

void judge_devices(const ContainerFact& container, Findings& findings) {
  for (const DeviceFact& device : container.devices) {
    judge_rule(container, device, findings);
    if (device.in_place.value_or(true)) continue;
    findings.push_back({Severity::broken, container.name + ": " + device.service,
                        "another file lies at " + device.target + " than the node that was planted, or none",
                        "somebody in the container has mounted something there, or taken the node away",
                        "start the container again"});
  }
}

}  // namespace xc::advice
