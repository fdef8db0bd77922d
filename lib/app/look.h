// The verbs of xc-inject that read files: check and plan. Documents are parsed by the reader's child
// even here: a person checks files that came from elsewhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/plan.h"

namespace xc::app {

/// One checked file.
struct Verdict {
  std::string file;
  std::string kind;  ///< run, args, services or policy
  bool good = false;
  std::string error;           ///< the sentence, when not good
  Kind sort = Kind::manifest;  ///< of the error
  std::vector<std::string> warnings;
  std::optional<std::uint32_t> line;  ///< of the error, from 1; absent when it is about the whole document
  std::optional<std::uint32_t> column;
};
template <class A>
void fields(A& a, Verdict& v) {
  a("file", v.file);
  a("kind", v.kind);
  a("good", v.good);
  a("error", v.error);
  a("warnings", v.warnings);
  a("line", v.line);
  a("column", v.column);
}

/// Checks one manifest, by itself and by the rules of a plan, as far as those do not depend on others. What it is comes
/// from `kind`, or from its name (run.json, args.json, services.json), or from its "#spec". A file that cannot be read,
/// or of which nobody says what it is, has a verdict too, of Kind::usage.
[[nodiscard]] Verdict check(const std::string& file, const std::string& kind);

struct PlanOptions {
  std::string bundle;  ///< directory of config.json (or of lxc's configuration) and the manifests
  std::string name;    ///< of the container; empty = the directory's own
  std::string run;
  std::string services;
  std::string config;  ///< as HookOptions::config
};
/// What the hook would do for a container with these files, as far as files tell.
[[nodiscard]] Result<model::Plan> plan_from_files(const PlanOptions& options);

}  // namespace xc::app
