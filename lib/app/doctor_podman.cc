// Where podman looks for hooks: its containers.conf, in the order of containers.conf(5), or what it does by itself.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "advice/judge.h"
#include "app/doctor.h"
#include "base/text.h"
#include "parse/containers_conf.h"

namespace xc::app {
namespace {

// oci-hooks(5); podman 4.3 reads the first of them alone, others both.
constexpr const char* usual_dirs[] = {"/usr/share/containers/oci/hooks.d", "/etc/containers/oci/hooks.d"};
constexpr unsigned first_with_more_places = 6;

void add_directory(const std::string& path, std::vector<std::string>& files) {
  for (const std::string& name : names_at(path))
    if (name.ends_with(".conf")) files.push_back(path + "/" + name);
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): xc-inject has one thread here
  return value != nullptr ? value : "";
}

unsigned version_of_podman(const advice::Facts& facts) {
  for (const auto& engine : facts.engines)
    if (engine.name == "podman") {
      const auto major = text::parse_number(engine.version.substr(0, engine.version.find('.')));
      return static_cast<unsigned>(major.value_or(0));
    }
  return 0;
}

/// Files that may say it, the later ones count more.
std::vector<std::string> configuration_files(const DoctorOptions& options, const advice::Facts& facts) {
  const bool here = options.root.empty();
  if (const std::string only = variable("CONTAINERS_CONF"); here && !only.empty()) return {only};
  const bool more = version_of_podman(facts) >= first_with_more_places;
  const std::string who = facts.kernel.uid == 0 || !here ? "rootful" : "rootless";
  std::vector<std::string> files;
  for (const char* place : {"/usr/share/containers", "/etc/containers"}) {
    const std::string base = options.root + place + "/containers.";
    files.push_back(base + "conf");
    if (more || std::string(place) == "/etc/containers") add_directory(base + "conf.d", files);
    if (more) add_directory(base + who + ".conf.d", files);
  }
  if (here && facts.kernel.uid != 0) {
    const std::string named = variable("XDG_CONFIG_HOME");
    const std::string base = (named.empty() ? variable("HOME") + "/.config" : named) + "/containers/containers.";
    files.push_back(base + "conf");
    add_directory(base + "conf.d", files);
  }
  if (const std::string last = variable("CONTAINERS_CONF_OVERRIDE"); here && !last.empty()) files.push_back(last);
  return files;
}

void read_configuration(const std::string& file, advice::HooksDirs& dirs) {
  if (place_at(file).sort == advice::Sort::missing) return;
  const auto read = [&]() -> Result<std::optional<parse::HooksDir>> {
    return parse::hooks_dir_of(XC_TRY(read_at(file)));
  };
  const auto found = read();
  if (!found) dirs.broken.push_back({file, found.error().text});
  if (!found || !*found) return;
  if (!(**found).append) dirs.directories.clear();
  dirs.file = file + ":" + text::number(std::uint64_t{(**found).line});
  for (const std::string& directory : (**found).directories) dirs.directories.push_back(place_at(directory));
}

}  // namespace

advice::HooksDirs find_hooks_dirs(const DoctorOptions& options, const advice::Facts& facts) {
  advice::HooksDirs dirs;
  if (!options.hooks_dirs.empty()) {
    for (const auto& named : options.hooks_dirs) dirs.directories.push_back(place_at(named));
    return dirs;
  }
  for (const char* usual : usual_dirs) dirs.directories.push_back(place_at(options.root + usual));
  for (const std::string& file : configuration_files(options, facts)) read_configuration(file, dirs);
  if (dirs.file.empty()) return dirs;
  // A list of podman's own names paths of the system that is looked at.
  for (auto& directory : dirs.directories)
    if (!directory.path.starts_with(options.root + "/")) directory = place_at(options.root + directory.path);
  for (const char* usual : usual_dirs) {
    const std::string path = options.root + usual;
    const auto same = [&](const advice::Place& one) { return real_path_of(one.path) == real_path_of(path); };
    if (std::ranges::any_of(dirs.directories, same)) continue;
    for (const std::string& name : names_at(path))
      if (name.ends_with(".json")) dirs.passed_over.push_back(path + "/" + name);
  }
  return dirs;
}

}  // namespace xc::app
