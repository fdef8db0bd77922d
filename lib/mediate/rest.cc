// Mediator for `rest` links (HTTP/1.x). Runs in the worker.
#include "mediate/mediator.h"

namespace xc::mediate {

std::unique_ptr<Mediator> make_rest(const Terms&) {
  return nullptr;
}

}  // namespace xc::mediate
