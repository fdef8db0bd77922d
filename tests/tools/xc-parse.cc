// xc-parse KIND FILE: reads one document as the product does and prints "ok", or the error line and ends with 78.
// KIND: run, args, services, policy, rules.TYPE, state, config. Warnings go to standard error. For tests only.
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include "parse/engine.h"
#include "parse/manifest.h"
#include "parse/policy.h"
#include "parse/validate.h"

namespace {

using namespace xc;

/// What any parser gives -> whether it was good, checked once more as the reader's parent does.
template <class T>
Result<> checked(Result<T> parsed) {
  if (!parsed) return std::unexpected(parsed.error());
  if constexpr (requires { parsed->warnings; })
    for (const std::string& warning : parsed->warnings) std::fprintf(stderr, "warning: %s\n", warning.c_str());
  if constexpr (!std::is_same_v<T, model::RoleRules>) return parse::validate(*parsed);
  return {};
}

Result<> read(const std::string& kind, const std::string& text, const std::string& file) {
  if (kind == "run") return checked(parse::parse_run(text, file));
  if (kind == "args") return checked(parse::parse_args(text, file));
  if (kind == "services") return checked(parse::parse_services(text, file));
  if (kind == "policy") return checked(parse::parse_policy(text, file));
  if (kind == "state") return checked(parse::parse_state(text));
  if (kind == "config") return checked(parse::parse_config(text, file));
  if (kind.starts_with("rules."))
    if (const auto type = model::type_of(kind.substr(6))) return checked(parse::parse_rules(text, file, *type));
  return fail(Kind::usage, "unknown kind " + kind);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: xc-parse KIND FILE\n");
    return exit_code(Kind::usage);
  }
  std::ifstream input(argv[2], std::ios::binary);
  if (!input) {
    std::fprintf(stderr, "cannot read %s\n", argv[2]);
    return exit_code(Kind::usage);
  }
  std::ostringstream text;
  text << input.rdbuf();
  const std::string path = argv[2];
  const auto outcome = read(argv[1], text.str(), path.substr(path.rfind('/') + 1));
  std::printf("%s\n", outcome ? "ok" : outcome.error().text.c_str());
  return outcome ? 0 : exit_code(outcome.error().kind);
}
