#include "model/plan.h"

namespace xc::model {

std::string_view name_of(StepKind kind) {
  switch (kind) {
    case StepKind::record: return "record";
    case StepKind::publish: return "publish";
    case StepKind::listen: return "listen";
    case StepKind::stage: return "stage";
    case StepKind::plant: return "plant";
    case StepKind::allow: return "allow";
    case StepKind::launch: return "launch";
    case StepKind::count_: return "?";
  }
  return "?";
}

}  // namespace xc::model
