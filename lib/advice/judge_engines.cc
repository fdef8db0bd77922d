// Engines, their versions, and what is known of them. The rows were measured, or read in the engines' own histories.
#include <array>
#include <charconv>
#include <string_view>

#include "advice/judge.h"
#include "base/text.h"

namespace xc::advice {
namespace {

/// When a fault shows.
enum class When : std::uint8_t { always, hybrid };

struct Fault {
  std::string_view engine;
  std::string_view before;  ///< the first version that has it no more; empty: every one has it
  When when;
  Severity severity;
  std::string_view what;
  std::string_view means;
  std::string_view mend;
};

constexpr std::array faults{
    Fault{"crun", "", When::hybrid, Severity::warning, "does not run with the hybrid layout of control groups",
          "every container fails: \"cgroups in hybrid mode not supported\"",
          "boot with systemd.unified_cgroup_hierarchy=1, or umount /sys/fs/cgroup/unified, or use runc"},
    Fault{"crun", "0.19", When::always, Severity::note, "does not know linux.seccomp.listenerPath",
          "a container with a link at connect:/path does not start", "use crun 0.19 or later, or name a path"},
    Fault{"crun", "1.14", When::always, Severity::warning, "raises RLIMIT_MEMLOCK before it loads its device filter",
          "without CAP_SYS_RESOURCE (inside a container, say) every container fails with EPERM on cgroups of "
          "version 2",
          "give the caller CAP_SYS_RESOURCE, or use crun 1.14 or later"},
    Fault{"crun", "1.17", When::always, Severity::note, "fails a container whose hook does not read its standard input",
          "xc-hook reads it to its end; other hooks of the same container may not", ""},
    Fault{"crun", "", When::always, Severity::note, "does not call poststop hooks when a creation fails",
          "what was planted is removed by the shim, which sees the container's init end", ""},
    Fault{"runc", "1.0.0", When::always, Severity::warning, "is older than version 1.0.0",
          "the moment of createRuntime hooks was another one", "use runc 1.0.0 or later"},
    Fault{"runc", "1.1.0", When::always, Severity::note, "does not know linux.seccomp.listenerPath",
          "a container with a link at connect:/path does not start", "use runc 1.1.0 or later, or name a path"},
    Fault{"runc", "", When::always, Severity::note,
          "waits for a hook's output to be closed, whatever the hook's timeout is",
          "xc-hook leaves no process with its output open", ""},
    Fault{"podman", "", When::always, Severity::note, "passes over hooks whose program is not there, in silence",
          "install programs before files of hooks.d; this command finds such hooks", ""},
    Fault{"podman", "", When::always, Severity::note,
          "gives an image's annotations to the container as if its user had typed them",
          "where images are not trusted to ask, host policy must say what containers may use", ""},
    Fault{"lxc", "3.0.0", When::always, Severity::broken, "is older than version 3.0",
          "it has no lxc.hook.start-host: containers start without their links", "use LXC 3.0 or later"},
};

/// The number in `text` at `at`, which moves behind it and one dot.
unsigned part_at(std::string_view text, std::size_t& at) {
  unsigned value = 0;
  const auto read = std::from_chars(text.data() + std::min(at, text.size()), text.data() + text.size(), value);
  at = static_cast<std::size_t>(read.ptr - text.data());
  if (at < text.size() && text[at] == '.') ++at;
  return value;
}

bool is_older(std::string_view version, std::string_view than) {
  std::size_t ours = 0;
  std::size_t theirs = 0;
  for (int part = 0; part < 3; ++part) {
    const unsigned mine = part_at(version, ours);
    const unsigned other = part_at(than, theirs);
    if (mine != other) return mine < other;
  }
  return false;
}

bool applies(const Fault& fault, const Engine& engine, const Cgroups& cgroups) {
  if (fault.engine != engine.name) return false;
  if (fault.when == When::hybrid && !(cgroups.v1 && cgroups.v2)) return false;
  return fault.before.empty() || (!engine.version.empty() && is_older(engine.version, fault.before));
}

}  // namespace

void judge_engines(const Facts& facts, Findings& findings) {
  if (!facts.root.empty()) return;
  if (facts.engines.empty())
    findings.push_back({Severity::warning, "engines", "neither runc, crun, podman nor LXC is on PATH",
                        "nobody calls xc-hook", "apt-get install runc, or name the directory of yours in PATH"});
  for (const Engine& engine : facts.engines) {
    const std::string where = engine.name + (engine.version.empty() ? "" : " " + engine.version);
    if (!engine.trouble.empty())
      findings.push_back({Severity::broken, where, "does not say its version: " + engine.trouble,
                          "it likely starts no container either", engine.name + " --version"});
    else
      findings.push_back({Severity::good, where, "is there", "", ""});
    for (const Fault& fault : faults)
      if (applies(fault, engine, facts.cgroups))
        findings.push_back(
            {fault.severity, where, std::string(fault.what), std::string(fault.means), std::string(fault.mend)});
  }
}

}  // namespace xc::advice
