// What doctor asks of a file system.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>

#include "app/doctor.h"
#include "parse/lxc_config.h"
#include "registry/records.h"
#include "sys/small_file.h"

namespace xc::app {
namespace {

constexpr std::size_t most_text = 1024UL * 1024;
constexpr int most_includes = 8;

advice::Sort sort_of(mode_t mode) {
  if (S_ISREG(mode)) return advice::Sort::file;
  if (S_ISDIR(mode)) return advice::Sort::directory;
  if (S_ISSOCK(mode)) return advice::Sort::socket;
  if (S_ISCHR(mode)) return advice::Sort::character;
  if (S_ISBLK(mode)) return advice::Sort::block;
  return S_ISLNK(mode) ? advice::Sort::link : advice::Sort::other;
}

void add_lines(const std::string& root, const std::string& file, int depth, std::vector<advice::LxcLine>& lines) {
  if (depth > most_includes) return;
  if (place_at(file).sort == advice::Sort::directory) {
    for (const std::string& name : names_at(file))
      if (name.ends_with(".conf")) add_lines(root, file + (file.ends_with('/') ? "" : "/") + name, depth + 1, lines);
    return;
  }
  const auto text = read_at(file);
  if (!text) return;
  for (const auto& setting : parse::split_lxc_config(*text)) {
    if (setting.key == "lxc.include")
      add_lines(root, root + setting.value, depth + 1, lines);
    else
      lines.push_back({file, setting.line, setting.key, setting.value});
  }
}

}  // namespace

advice::Place place_at(const std::string& path) {
  advice::Place place;
  place.path = path;
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return place;
  place.sort = sort_of(info.st_mode);
  place.uid = info.st_uid;
  place.mode = info.st_mode & 07777U;
  place.executable = ::access(path.c_str(), X_OK) == 0;
  return place;
}

Result<std::string> read_at(const std::string& path) {
  std::array<char, PATH_MAX> real{};
  if (::realpath(path.c_str(), real.data()) == nullptr) return fail_errno(Kind::kernel, path, errno);
  const std::string found(real.data());
  const auto slash = found.rfind('/');
  const Fd directory{::open(found.substr(0, slash + 1).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!directory) return fail_errno(Kind::kernel, path, errno);
  return sys::read_file(directory.get(), found.substr(slash + 1), most_text);
}

std::string real_path_of(const std::string& path) {
  std::array<char, PATH_MAX> real{};
  return ::realpath(path.c_str(), real.data()) == nullptr ? path : std::string(real.data());
}

std::vector<std::string> names_at(const std::string& path) {
  const Fd directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!directory) return {};
  auto names = registry::names_in(directory.get()).value_or(std::vector<std::string>{});
  std::ranges::sort(names);
  return names;
}

std::vector<advice::LxcLine> lxc_lines_at(const std::string& root, const std::string& file) {
  std::vector<advice::LxcLine> lines;
  add_lines(root, file, 0, lines);
  return lines;
}

}  // namespace xc::app
