// run.json, args.json, services.json, policy, rules and annotations; the first byte says which.
#include <cstdint>
#include <string_view>

#include "judge.h"
#include "parse/manifest.h"
#include "parse/policy.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace xc;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'r': judge(parse::parse_run(text, "f")); break;
    case 'a': judge(parse::parse_args(text, "f")); break;
    case 's': judge(parse::parse_services(text, "f")); break;
    case 'p': judge(parse::parse_policy(text, "f")); break;
    case 'n': {
      const auto line = text.find('\n');
      if (line == std::string_view::npos) break;
      const std::string key = "io.xconnect." + std::string(text.substr(0, line));
      const auto found = parse::parse_annotations({{key, std::string(text.substr(line + 1))}});
      if (found) judge(Result<model::Manifest>(found->manifest));
      break;
    }
    default:
      for (const model::Type type :
           {model::Type::rest, model::Type::dbus, model::Type::wayland, model::Type::raw_unix}) {
        const auto rules = parse::parse_rules(text, "f", type);
        if (!rules) continue;
        model::Policy policy{.present = true, .allow = {}, .offer = {}};
        policy.allow.push_back({"*", "*", "*", {{"any", *rules}}});
        judge(Result<model::Policy>(policy));
      }
  }
  return 0;
}
