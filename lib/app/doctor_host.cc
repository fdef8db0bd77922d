// What doctor sees of the running host: kernel, control groups, engines, our programs.
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <chrono>

#include "app/doctor.h"
#include "base/text.h"
#include "sys/command.h"
#include "sys/kernel.h"
#include "sys/mountinfo.h"

namespace xc::app {
namespace {

constexpr std::chrono::seconds patience{5};

struct Asked {
  const char* name;
  const char* program;
};
constexpr std::array engines{Asked{"runc", "runc"}, Asked{"crun", "crun"}, Asked{"podman", "podman"},
                             Asked{"crio", "crio"}, Asked{"lxc", "lxc-start"}};

/// The first word of `text` that begins with a digit, without what follows "1.2.3".
std::string version_in(const std::string& text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool begins = at == 0 || text[at - 1] == ' ' || text[at - 1] == '\n';
    if (!begins || text[at] < '0' || text[at] > '9') continue;
    return text.substr(at, text.find_first_not_of("0123456789.", at) - at);
  }
  return "";
}

advice::Engine ask_engine(const Asked& asked, const std::string& program) {
  advice::Engine engine;
  engine.name = asked.name;
  const auto said = sys::output_of({program, "--version"}, std::chrono::steady_clock::now() + patience);
  if (said)
    engine.version = version_in(*said);
  else
    engine.trouble = said.error().text;
  return engine;
}

bool is_writable(const std::string& point) {
  struct statvfs info{};
  return ::statvfs(point.c_str(), &info) != 0 || (info.f_flag & ST_RDONLY) == 0;
}

/// Is `word` among the comma-separated `words`?
bool has_word(const std::string& words, std::string_view word) {
  for (const std::string_view one : text::split(words, ','))
    if (one == word) return true;
  return false;
}

advice::Cgroups look_at_cgroups() {
  advice::Cgroups seen;
  const auto proc = sys::Proc::open();
  if (!proc) return seen;
  for (const auto& mount : sys::read_mounts(*proc, "self").value_or(std::vector<sys::Mount>{})) {
    if (mount.type == "cgroup2") {
      seen.v2 = true;
      const auto controllers = read_at(mount.point + "/cgroup.controllers");
      seen.memory = seen.memory || (controllers && (" " + *controllers).find(" memory") != std::string::npos);
      seen.writable = seen.writable && is_writable(mount.point);
    }
    if (mount.type != "cgroup" || has_word(mount.super_options, "name=systemd")) continue;
    seen.v1 = true;
    seen.devices = seen.devices || has_word(mount.super_options, "devices");
    const bool memory = has_word(mount.super_options, "memory");
    seen.memory = seen.memory || memory;
    if (memory) seen.writable = seen.writable && is_writable(mount.point);
  }
  return seen;
}

}  // namespace

void look_at_host(const DoctorOptions& options, advice::Facts& facts) {
  facts.root = options.root;
  facts.hook = place_at(options.root + XC_LIBEXECDIR "/xc-hook");
  facts.shim = place_at(options.root + XC_LIBEXECDIR "/xc-shim");
  facts.kernel.uid = ::geteuid();
  if (!options.root.empty()) return;
  facts.kernel.release = sys::kernel_release();
  facts.kernel.missing = sys::missing_calls();
  facts.kernel.namespaces = sys::missing_namespaces();
  facts.kernel.exhausted = sys::exhausted_namespaces();
  facts.kernel.seccomp = sys::has_seccomp();
  facts.cgroups = look_at_cgroups();
  for (const Asked& asked : engines)
    if (const std::string program = sys::find_program(asked.program); !program.empty())
      facts.engines.push_back(ask_engine(asked, program));
}

}  // namespace xc::app
