// xc-inject check.
#include "verbs/verbs.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "app/caret.h"
#include "app/look.h"
#include "base/json_out.h"

namespace xc::verbs {
namespace {

/// Errors and warnings as a compiler shows them.
void tell(const app::Verdict& verdict) {
  const bool colour = colours(STDERR_FILENO);
  if (!verdict.good) {
    const auto pointed = app::point_at(verdict.file, verdict.error);
    std::fputs(app::describe(verdict.file, pointed, "error", colour).c_str(), stderr);
  }
  for (const auto& warning : verdict.warnings) {
    const auto pointed = app::point_at(verdict.file, warning);
    std::fputs(app::describe(verdict.file, pointed, "warning", colour).c_str(), stderr);
  }
}

void add_position(app::Verdict& verdict) {
  if (verdict.good) return;
  const auto pointed = app::point_at(verdict.file, verdict.error);
  if (pointed.at.line == 0) return;
  verdict.line = pointed.at.line;
  verdict.column = pointed.at.column;
}

}  // namespace

void add_check(CLI::App& app, int& status) {
  struct Options {
    std::vector<std::string> files;
    std::string kind;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  auto* verb = app.add_subcommand("check", "check manifests: run.json, args.json, services.json, policy");
  verb->add_option("FILE", options->files, "files to check")->required();
  verb->add_option("--as", options->kind,
                   "what the files are: run, args, services or policy (default: by name or #spec)")
      ->check(CLI::IsMember({"run", "args", "services", "policy"}));
  verb->add_flag("--json", options->json, "one JSON list of verdicts");
  verb->footer(
      "Exit status: 0 when all files are good, 78 when one is not, 64 when one cannot be read.\n\n"
      "Examples:\n"
      "  xc-inject check run.json services.json\n"
      "  xc-inject check --as policy /etc/xconnect/policy.d/*.json");
  verb->callback([options, &status] {
    std::vector<app::Verdict> verdicts;
    for (const auto& file : options->files) {
      verdicts.push_back(app::check(file, options->kind));
      if (!verdicts.back().good) status = std::max(status, exit_code(verdicts.back().sort));
      if (!options->json) tell(verdicts.back());
    }
    if (!options->json) return;
    for (auto& verdict : verdicts) add_position(verdict);
    (void)print(to_json(verdicts) + "\n");
  });
}

}  // namespace xc::verbs
