// An engine's state and config.json, both from the same input.
#include <cstdint>
#include <string_view>

#include "judge.h"
#include "parse/engine.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace xc;
  const std::string_view text(reinterpret_cast<const char*>(data), data == nullptr ? 0 : size);
  judge(parse::parse_state(text));
  judge(parse::parse_config(text, "f"));
  return 0;
}
