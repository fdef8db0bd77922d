// xc-precreate: called by podman with a proposed config.json; writes the one the container is made from
// (lib/app/precreate.h). One line on standard error when it refuses, and then the container is not made.
#include <cstdio>
#include <string_view>

#include "app/call.h"
#include "app/hook.h"
#include "app/precreate.h"
#include "app/start.h"

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--help")
    return std::fputs(xc::app::precreate_help().c_str(), stdout) < 0;
  if (argc == 2 && std::string_view(argv[1]) == "--version") return std::puts("xc-precreate " XC_VERSION) < 0;
  const auto call = xc::app::recognise(argc, argv);
  if (const auto clean = xc::app::start_as_hook("xc-precreate"); !clean) return xc::app::finish(clean);
  if (!call) return xc::app::finish(std::unexpected(call.error()));
  if (const auto opened = xc::app::open_log(call->options); !opened) return xc::app::finish(opened);
  const auto text = xc::app::run_precreate(call->options);
  if (!text) return xc::app::finish(std::unexpected(text.error()));
  const bool written = std::fwrite(text->data(), 1, text->size(), stdout) == text->size() && std::fflush(stdout) == 0;
  return xc::app::finish(written ? xc::Result<>{} : xc::fail(xc::Kind::kernel, "the engine does not take the answer"));
}
