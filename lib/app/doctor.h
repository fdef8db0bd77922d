// xc-inject doctor: looks at a host, or at the files of another one below a directory, and at one container when asked;
// what it saw is judged by advice/. Changes nothing; connects to sockets to see whether somebody listens, and says
// nothing there. Documents are parsed by the reader's child.
#pragma once

#include <string>
#include <vector>

#include "advice/facts.h"
#include "advice/finding.h"
#include "base/result.h"
#include "registry/record.h"

namespace xc::app {

struct DoctorOptions {
  std::string root;                     ///< look at the files below it instead of at the running host
  std::string state = "/run/xconnect";  ///< below root
  std::string config;                   ///< empty: /etc/xconnect below root
  std::vector<std::string> hooks_dirs;  ///< of podman, the later ones count more; empty: where it looks by itself
  std::string lxcpath;                  ///< empty: /var/lib/lxc below root
  std::string container;                ///< a name, or a directory with config.json or LXC's config; empty: the host
};

/// Every finding, in the order of subjects. An error only when nothing could be looked at.
[[nodiscard]] Result<advice::Findings> examine(const DoctorOptions& options);

// Its parts: each looks at one subject, and adds to `facts`.
void look_at_host(const DoctorOptions& options, advice::Facts& facts);
void look_at_hooks(const DoctorOptions& options, advice::Facts& facts);
void look_at_configuration(const DoctorOptions& options, advice::Facts& facts);
void look_at_containers(const DoctorOptions& options, advice::Facts& facts);
void look_at_bundle(const DoctorOptions& options, advice::Facts& facts);

/// Where podman looks for hooks, and which files say so.
[[nodiscard]] advice::HooksDirs find_hooks_dirs(const DoctorOptions& options, const advice::Facts& facts);
/// What became of the devices that a container was given.
[[nodiscard]] std::vector<advice::DeviceFact> look_at_devices_of(const registry::Record& record);

// What several of them ask the host.
[[nodiscard]] advice::Place place_at(const std::string& path);
/// Follows symbolic links, as an engine would. At most 1 MiB of a regular file.
[[nodiscard]] Result<std::string> read_at(const std::string& path);
/// Absolute, without "." and links; as it is when it is not there.
[[nodiscard]] std::string real_path_of(const std::string& path);
/// Names in a directory, sorted; none when it is not there.
[[nodiscard]] std::vector<std::string> names_at(const std::string& path);
/// The lines of an LXC configuration, with those of what it includes below `root`.
[[nodiscard]] std::vector<advice::LxcLine> lxc_lines_at(const std::string& root, const std::string& file);
/// The configuration directory that is meant.
[[nodiscard]] std::string config_of(const DoctorOptions& options);

}  // namespace xc::app
