#include "app/doctor.h"

#include "advice/judge.h"
#include "base/text.h"

namespace xc::app {
namespace {

/// A mistyped directory would be one without faults.
Result<> check_directory(const std::string& option, const std::string& path) {
  if (path.empty() || place_at(path).sort == advice::Sort::directory) return {};
  return fail(Kind::usage, option + " " + text::printable(path) + ": is not there");
}

}  // namespace

Result<advice::Findings> examine(const DoctorOptions& options) {
  XC_CHECK(check_directory("--root", options.root));
  XC_CHECK(check_directory("--config", options.config));
  XC_CHECK(check_directory("--lxcpath", options.lxcpath));
  for (const std::string& directory : options.hooks_dirs) XC_CHECK(check_directory("--hooks-dir", directory));
  advice::Facts facts;
  look_at_host(options, facts);
  look_at_configuration(options, facts);
  look_at_containers(options, facts);
  look_at_bundle(options, facts);
  look_at_hooks(options, facts);
  return advice::judge(facts);
}

}  // namespace xc::app
