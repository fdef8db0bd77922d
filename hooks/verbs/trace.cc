// xc-inject trace.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "app/trace.h"
#include "verbs/verbs.h"

namespace xc::verbs {

void add_trace(CLI::App& app, int& status) {
  auto options = std::make_shared<app::TraceOptions>();
  auto* verb = app.add_subcommand("trace", "what crosses links, live and decoded; payloads only with --payload");
  verb->add_option("LINK", options->what, "CONTAINER or CONTAINER/SERVICE: only this one; by name or by pid");
  verb->add_option("--from", options->from, "only what this side says")->check(CLI::IsMember({"client", "provider"}));
  verb->add_option("--verdict", options->verdicts,
                   "only messages that were passed, answered, dropped, changed, refused (may be repeated)")
      ->allow_extra_args(false)
      ->check(CLI::IsMember({"passed", "answered", "dropped", "changed", "refused"}));
  verb->add_option("--match", options->pattern, "only lines with this text in them; with * or ?, lines like that");
  verb->add_flag("--payload", options->payload, "show what messages carry, too");
  verb->add_flag("--json", options->json, "a line of JSON for each event");
  verb->add_option("--output", options->output, "write lines of JSON to this file, for --read");
  verb->add_option("--read", options->read, "show such a file instead of living links; - is standard input");
  verb->add_option("--pcap", options->pcap, "write messages of buses for Wireshark; - is standard output");
  verb->add_option("--count", options->count, "end after so many events");
  verb->add_option("--seconds", options->seconds, "end after so long");
  verb->add_option("--state", options->state, "state directory")->capture_default_str();
  verb->footer(
      "Of a device the kernel tells who opened its node (several opens of one process that come at once are one line;\n"
      "a process that ended at once has no name; before Linux 5.13 nobody has), and whether the container's device "
      "group\n"
      "still allows it. What nobody sees: an open that was refused, because that happens before the kernel tells "
      "anybody\n"
      "(by the device group or the node's mode, EPERM, EACCES; by the driver, EBUSY, ENXIO); whether an open was for\n"
      "reading or writing; what a program says to the driver. Devices that were bound by podman (--device) are no "
      "links.\n"
      "Of a leased screen it is told who asked for the lease and got it, or why not, and when it ended; what is drawn\n"
      "passes nobody.\n"
      "Examples:\n"
      "  xc-inject trace                                    everything\n"
      "  xc-inject trace radio/modem-api --verdict refused  what one link refuses\n"
      "  xc-inject trace radio/bus --payload --pcap - | wireshark -k -i -");
  verb->callback([options, &status] {
    options->colour = colours(STDOUT_FILENO);
    const auto done = app::trace(*options);
    status = done ? 0 : complain(done.error());
  });
}

}  // namespace xc::verbs
