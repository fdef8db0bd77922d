#include "mediate/mediator.h"

#include "mediate/rest_rules.h"

namespace xc::mediate {

std::unique_ptr<Mediator> make_mediator(const Terms& terms) {
  switch (terms.type) {
    case model::Type::rest: return speaks_h2c(terms.rights) ? make_http2(terms) : make_rest(terms);
    case model::Type::dbus: return make_dbus(terms);
    case model::Type::wayland: return make_wayland(terms);
    case model::Type::raw_unix:
    case model::Type::vchan:
    case model::Type::drm:
    case model::Type::input:
    case model::Type::chardev:
    case model::Type::count_: return nullptr;
  }
  return nullptr;
}

}  // namespace xc::mediate
