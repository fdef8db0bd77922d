// "hooks_dir" of podman's containers.conf(5). What podman does was seen with version 4.3.1.
#include "advice/judge.h"
#include "base/text.h"

namespace xc::advice {

void judge_hooks_dirs(const Facts& facts, bool registered, Findings& findings) {
  const HooksDirs& dirs = facts.hooks_dirs;
  for (const auto& broken : dirs.broken)
    findings.push_back({Severity::broken, broken.file, "cannot be understood: " + broken.error,
                        "podman refuses to start every container", "correct it; it is TOML, see containers.conf(5)"});
  if (dirs.file.empty()) return;
  const Severity severity = registered ? Severity::warning : Severity::broken;
  for (const Place& directory : dirs.directories)
    if (directory.sort != Sort::directory)
      findings.push_back({severity, dirs.file,
                          "hooks_dir names " + text::quoted(directory.path) + ", which is not there",
                          "podman passes over it in silence: hooks that were meant to be there are not called",
                          "mkdir -p " + directory.path + ", or take it out of hooks_dir"});
  for (const std::string& path : dirs.passed_over) {
    const std::string directory = path.substr(facts.root.size(), path.rfind('/') - facts.root.size());
    findings.push_back({severity, path, "is not read: hooks_dir in " + dirs.file + " leaves its directory out",
                        registered ? "podman calls our hook from another directory"
                                   : "podman starts containers without their links, in silence",
                        "add " + text::quoted(directory) + " to hooks_dir in " + dirs.file});
  }
}

}  // namespace xc::advice
