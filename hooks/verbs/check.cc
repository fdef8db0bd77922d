// xc-inject check.
#include "verbs/verbs.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "app/look.h"
#include "base/json_out.h"

namespace xc::verbs {

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
  verb->callback([options, &status] {
    std::vector<app::Verdict> verdicts;
    for (const auto& file : options->files) {
      auto verdict = app::check(file, options->kind);
      if (!verdict.good) status = std::max(status, exit_code(verdict.sort));
      if (!options->json && !verdict.good) std::fprintf(stderr, "%s\n", verdict.error.c_str());
      for (const auto& warning : verdict.warnings)
        if (!options->json) std::fprintf(stderr, "warning: %s\n", warning.c_str());
      verdicts.push_back(std::move(verdict));
    }
    if (options->json) (void)print(to_json(verdicts) + "\n");
  });
}

}  // namespace xc::verbs
