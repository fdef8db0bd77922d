// xc-inject cdi.
#include "app/cdi.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "app/registration.h"
#include "verbs/verbs.h"

namespace xc::verbs {

void add_cdi(CLI::App& app, int& status) {
  struct Options {
    std::string config;
    std::string program = XC_LIBEXECDIR "/xc-hook";
    bool write = false;
  };
  auto options = std::make_shared<Options>();
  auto* verb =
      app.add_subcommand("cdi", "services of the host as CDI devices: podman run --device xconnect/service=NAME");
  verb->add_option("--config", options->config, "host policy and services (default: /etc/xconnect)");
  verb->add_option("--hook", options->program, "path of xc-hook")->capture_default_str();
  verb->add_flag("--write", options->write, std::string("write ") + app::cdi_file + " instead of printing it");
  verb->footer(
      "Example:\n"
      "  xc-inject cdi --write && podman run --device xconnect/service=system-bus ...");
  verb->callback([options, &status] {
    const auto text = app::cdi_for_host(options->config, options->program);
    if (!text) {
      status = complain(text.error());
    } else if (!options->write) {
      status = print(*text);
    } else if (const auto written = app::write_file(app::cdi_file, *text); !written) {
      status = complain(written.error());
    } else {
      status = print(std::string(app::cdi_file) + "\n");
    }
  });
}

}  // namespace xc::verbs
