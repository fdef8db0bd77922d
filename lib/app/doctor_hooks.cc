// What doctor sees of engines' registrations.
#include <algorithm>

#include "advice/judge.h"
#include "app/doctor.h"
#include "reader/reader.h"

namespace xc::app {
namespace {

constexpr const char* lxc_common = "/usr/share/lxc/config/common.conf.d";

advice::HooksD look_at_file(const std::string& path) {
  advice::HooksD file;
  file.path = path;
  const auto read = [&]() -> Result<model::HooksFile> {
    const std::string text = XC_TRY(read_at(path));
    auto reader = XC_TRY(reader::Reader::start());
    return reader.hooks_file(text, path.substr(path.rfind('/') + 1));
  };
  if (auto parsed = read())
    file.read = std::move(*parsed);
  else
    file.error = parsed.error().text;
  return file;
}

void remember(const DoctorOptions& options, const std::string& program, advice::Facts& facts) {
  if (program.starts_with('/')) facts.programs.try_emplace(program, place_at(options.root + program));
}

}  // namespace

void look_at_hooks(const DoctorOptions& options, advice::Facts& facts) {
  facts.hooks_dirs = find_hooks_dirs(options, facts);
  std::erase_if(facts.hooks_dirs.passed_over, [](const std::string& path) {
    const auto file = look_at_file(path);
    return !file.read || !advice::is_ours(file.read->hook.path);
  });
  for (const auto& place : facts.hooks_dirs.directories) {
    const std::string& directory = place.path;
    for (const std::string& name : names_at(directory)) {
      if (!name.ends_with(".json")) continue;
      for (auto& earlier : facts.hooks_d)
        if (earlier.path.ends_with("/" + name)) earlier.masked = directory + "/" + name;
      facts.hooks_d.push_back(look_at_file(directory + "/" + name));
    }
  }
  for (const auto& file : facts.hooks_d)
    if (file.read) remember(options, file.read->hook.path, facts);
  facts.lxc = lxc_lines_at(options.root, options.root + lxc_common);
  for (const auto* lines : {&facts.lxc, facts.bundle ? &facts.bundle->lines : nullptr})
    if (lines != nullptr)
      for (const auto& line : *lines)
        if (line.key.starts_with("lxc.hook.")) remember(options, line.value.substr(0, line.value.find(' ')), facts);
  if (facts.bundle)
    for (const auto& call : facts.bundle->hooks) remember(options, call.path, facts);
}

}  // namespace xc::app
