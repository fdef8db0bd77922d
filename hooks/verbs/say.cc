// What every verb says in the same way.
#include <cstdio>

#include "verbs/verbs.h"

namespace xc::verbs {

int complain(const Error& error) {
  std::fprintf(stderr, "xc-inject: %s\n", error.text.c_str());
  return exit_code(error.kind);
}

int print(const std::string& text) {
  (void)std::fputs(text.c_str(), stdout);
  return 0;
}

}  // namespace xc::verbs
