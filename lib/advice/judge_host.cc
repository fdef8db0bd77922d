// The kernel, control groups, our own programs.
#include <algorithm>
#include <array>
#include <string_view>

#include "advice/judge.h"
#include "base/text.h"

namespace xc::advice {
namespace {

/// A system call that newer kernels have, and what happens without it.
struct Call {
  std::string_view name;
  std::string_view since;
  Severity severity;
  std::string_view without;
};
constexpr std::array calls{
    Call{"memfd_create", "3.17", Severity::broken, "no shim can be started"},
    Call{"open_tree", "5.2", Severity::warning,
         "a link cannot be brought into a container whose root is already pivoted (LXC); runc and crun work"},
    Call{"move_mount", "5.2", Severity::warning,
         "a link cannot be brought into a container whose root is already pivoted (LXC); runc and crun work"},
    Call{"pidfd_open", "5.3", Severity::warning,
         "the end of a container is found by looking again and again, and a moment remains in which a pid "
         "can be "
         "reused"},
    Call{"openat2", "5.6", Severity::note, "paths are walked step by step instead: slower, not less strict"},
    Call{"close_range", "5.9", Severity::note, "descriptors are closed one by one instead"},
    Call{"mount_setattr", "5.12", Severity::note, "the flags of a mount are set the older way, after it is attached"},
    Call{"statx", "4.11", Severity::note, "mounts are told apart by /proc instead"},
};

std::string octal(std::uint32_t mode) {
  std::string digits;
  for (int shift = 9; shift >= 0; shift -= 3) digits += static_cast<char>('0' + ((mode >> shift) & 7U));
  return digits;
}

void judge_calls(const Kernel& kernel, Findings& findings) {
  const std::string where = "kernel " + kernel.release;
  for (const Call& call : calls)
    if (std::ranges::find(kernel.missing, call.name) != kernel.missing.end())
      findings.push_back(
          {call.severity, where, "has no " + std::string(call.name) + "(2)", std::string(call.without),
           call.severity == Severity::note
               ? ""
               : "a kernel from Linux " + std::string(call.since) +
                     " on; where a container runs xc-inject, a seccomp profile that lets the call pass"});
}

void judge_cgroups(const Cgroups& cgroups, Findings& findings) {
  const std::string where = "control groups";
  if (!cgroups.v1 && !cgroups.v2) {
    findings.push_back({Severity::broken, where, "no control groups are mounted",
                        "no engine starts a container, and a shim stays in the group of its engine",
                        "mount -t cgroup2 none /sys/fs/cgroup"});
    return;
  }
  const std::string layout = cgroups.v1 && cgroups.v2 ? "hybrid" : cgroups.v1 ? "version 1" : "version 2";
  if (!cgroups.memory)
    findings.push_back({Severity::warning, where, "there is no memory controller",
                        "the memory of a shim is not limited: a container can make it take more than its share",
                        "boot with cgroup_enable=memory, or with CONFIG_MEMCG"});
  if (cgroups.v1 && !cgroups.devices)
    findings.push_back({Severity::warning, where, "layout " + layout + " without the devices controller",
                        "engines cannot keep a container from other devices of the host",
                        "mount -t cgroup -o devices none /sys/fs/cgroup/devices"});
  if (!cgroups.writable)
    findings.push_back({Severity::broken, where, "are mounted read-only",
                        "a shim cannot get a group of its own and is not started",
                        "mount -o remount,rw /sys/fs/cgroup"});
  findings.push_back({Severity::good, where, "layout " + layout, "", ""});
}

}  // namespace

void judge_kernel(const Facts& facts, Findings& findings) {
  if (!facts.root.empty()) return;  // files of another system: its kernel is not here
  const Kernel& kernel = facts.kernel;
  const std::string where = "kernel " + kernel.release;
  const std::size_t before = findings.size();
  judge_calls(kernel, findings);
  if (!kernel.seccomp)
    findings.push_back({Severity::broken, where, "has no seccomp filters",
                        "neither the hook's reader nor a worker can be confined, so neither is started",
                        "a kernel with CONFIG_SECCOMP_FILTER"});
  for (const std::string& name : kernel.namespaces)
    findings.push_back({Severity::broken, where, "has no " + name + " namespaces", "no worker can be isolated",
                        "a kernel with the namespaces of CONFIG_NAMESPACES"});
  for (const std::string& name : kernel.exhausted)
    findings.push_back({Severity::broken, where, "/proc/sys/user/max_" + name + "_namespaces is 0",
                        "no worker can be isolated, so no connection is served",
                        "sysctl -w user.max_" + name + "_namespaces=4096"});
  if (findings.size() == before)
    findings.push_back({Severity::good, where, "has every system call and namespace that is used", "", ""});
  if (kernel.uid != 0)
    findings.push_back({Severity::note, "xc-inject", "runs as uid " + text::number(kernel.uid),
                        "what only root may read (/run/xconnect, sockets, other processes) was not looked at",
                        "run it as root to see that too"});
  judge_cgroups(facts.cgroups, findings);
}

void judge_program(const Facts& facts, const std::string& where, const std::string& program, bool silent,
                   Findings& findings) {
  const auto seen = facts.programs.find(program);
  if (seen == facts.programs.end()) return;
  const Place& place = seen->second;
  const std::string name = text::quoted(program);
  const std::string means =
      silent ? "podman passes over such a hook in silence: containers start without their links, and exit "
               "code 0"
             : "the engine cannot call it: no container with this entry starts";
  if (place.sort == Sort::missing)
    findings.push_back({Severity::broken, where, "the hook program " + name + " is not there", means,
                        "install xconnect, or correct the path: xc-inject hooks print says the lines"});
  else if (place.sort != Sort::file || !place.executable)
    findings.push_back({Severity::broken, where, "the hook program " + name + " cannot be executed", means,
                        "chmod 755 " + program + ", and see that its file system is not mounted noexec"});
  else if (place.uid != 0 || (place.mode & 0022U) != 0)
    findings.push_back({Severity::broken, where,
                        "the hook program " + name + " may be changed by others than root (uid " +
                            text::number(place.uid) + ", mode " + octal(place.mode) + ")",
                        "whoever changes it is root at the next start of a container",
                        "chown root:root " + program + " && chmod 755 " + program});
}

void judge_programs(const Facts& facts, Findings& findings) {
  const std::size_t before = findings.size();
  if (facts.hook.sort == Sort::missing)
    findings.push_back({Severity::warning, facts.hook.path, "xc-hook is not installed there",
                        "what `xc-inject hooks print` says names a program that is not there",
                        "install xconnect, or name the program: xc-inject hooks print ENGINE --hook PATH"});
  if (facts.shim.sort == Sort::missing && facts.hook.sort != Sort::missing)
    findings.push_back({Severity::broken, facts.shim.path, "xc-shim is not beside xc-hook",
                        "a container that asks for a link does not start", "install xconnect anew"});
  if (findings.size() == before)
    findings.push_back({Severity::good, facts.hook.path, "xc-hook and xc-shim are installed", "", ""});
}

bool is_ours(const std::string& program) {
  return program.substr(program.rfind('/') + 1) == "xc-hook";
}

}  // namespace xc::advice
