// What every verb says in the same way.
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "base/table.h"
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

std::size_t columns(int descriptor) {
  winsize size{};
  if (::isatty(descriptor) != 1 || ::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    return text::any_width;
  return size.ws_col;
}

bool colours(int descriptor) {
  const char* refused = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
  return (refused == nullptr || *refused == '\0') && !dumb && ::isatty(descriptor) == 1;
}

}  // namespace xc::verbs
