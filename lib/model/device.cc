#include "model/device.h"

namespace xc::model {

std::string_view name_of(DeviceKind kind) {
  switch (kind) {
    case DeviceKind::card: return "card";
    case DeviceKind::render: return "render";
    case DeviceKind::input: return "input";
    case DeviceKind::other: return "other";
    case DeviceKind::count_: break;
  }
  return "?";
}

}  // namespace xc::model
