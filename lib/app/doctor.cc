#include "app/doctor.h"

#include "advice/judge.h"
#include "base/text.h"

namespace xc::app {

Result<advice::Findings> examine(const DoctorOptions& options) {
  if (!options.root.empty() && place_at(options.root).sort != advice::Sort::directory)
    return fail(Kind::usage, "--root " + text::printable(options.root) + ": is not there");
  advice::Facts facts;
  look_at_host(options, facts);
  look_at_configuration(options, facts);
  look_at_containers(options, facts);
  look_at_bundle(options, facts);
  look_at_hooks(options, facts);
  return advice::judge(facts);
}

}  // namespace xc::app
