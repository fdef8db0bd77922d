#include "model/container.h"

namespace xc::model {

std::string_view name_of(Engine engine) {
  return engine == Engine::oci ? "oci" : "lxc";
}

}  // namespace xc::model
