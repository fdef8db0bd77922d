// Bytes of a reading child that was taken over: unpacked or refused, never more memory than they could describe, and
// what passes validate() is packed to the same bytes again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/pack.h"
#include "model/link.h"
#include "model/plan.h"
#include "parse/validate.h"

namespace {

template <class T>
void try_as(std::string_view bytes) {
  const auto value = xc::unpack<T>(bytes);
  if (!value) return;
  const std::string again = xc::pack(*value);
  // A map that was sent with a key twice, or out of order, is the one thing that does not come back as it was.
  const auto twice = xc::unpack<T>(again);
  if (!twice || xc::pack(*twice) != again || again.size() > bytes.size()) std::abort();
  if constexpr (requires { xc::parse::validate(*value); }) (void)xc::parse::validate(*value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace xc;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 's': try_as<model::OciState>(bytes); break;
    case 'c': try_as<model::OciConfig>(bytes); break;
    case 'm': try_as<model::Manifest>(bytes); break;
    case 'e': try_as<model::Exports>(bytes); break;
    case 'p': try_as<model::Policy>(bytes); break;
    default: try_as<model::Plan>(bytes); break;
  }
  return 0;
}
