// See rooted_walk.h.
#include "sys/rooted_walk.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <string>
#include <vector>

namespace xc::sys {
namespace {

constexpr int most_links = 40;  // MAXSYMLINKS of the kernel

class Walk {
 public:
  Walk(int root, std::string_view path, LastLink last) : root_(root), rest_(path), last_(last) {}
  std::expected<Fd, int> run();

 private:
  /// The directory reached so far.
  [[nodiscard]] int here() const { return stack_.empty() ? root_ : stack_.back().get(); }
  std::string take_component();
  std::expected<void, int> follow(const Fd& link);
  std::expected<void, int> refuse_magic(const Fd& link) const;
  std::expected<Fd, int> arrive();

  int root_;
  std::vector<Fd> stack_;  // directories from below the root to here(): ".." pops, so it cannot pass the root
  std::string rest_;       // what is still to be walked
  LastLink last_;
  bool more_ = false;  // a slash stood behind the component taken last
  int links_ = 0;
};

std::string Walk::take_component() {
  const auto begin = rest_.find_first_not_of('/');
  if (begin == std::string::npos) return {};
  const auto end = rest_.find('/', begin);
  more_ = end != std::string::npos;
  std::string component = rest_.substr(begin, more_ ? end - begin : std::string::npos);
  rest_.erase(0, more_ ? end : rest_.size());
  return component;
}

std::expected<void, int> Walk::refuse_magic(const Fd& link) const {
  struct statfs kind{};
  struct stat facts{};
  if (::fstatfs(link.get(), &kind) != 0 || ::fstat(here(), &facts) != 0) return std::unexpected(errno);
  // Links in procfs's own root (self, mounts, net) are ordinary text; those of a process jump to objects.
  if (kind.f_type == PROC_SUPER_MAGIC && facts.st_ino != 1) return std::unexpected(ELOOP);
  return {};
}

std::expected<void, int> Walk::follow(const Fd& link) {
  if (++links_ > most_links) return std::unexpected(ELOOP);
  if (auto plain = refuse_magic(link); !plain) return plain;
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlinkat(link.get(), "", target.data(), target.size());
  if (size < 0) return std::unexpected(errno);
  if (size == 0) return std::unexpected(ENOENT);
  if (static_cast<std::size_t>(size) == target.size()) return std::unexpected(ENAMETOOLONG);
  if (target[0] == '/') stack_.clear();
  rest_.insert(0, std::string(target.data(), static_cast<std::size_t>(size)) + (more_ ? "/" : ""));
  return {};
}

std::expected<Fd, int> Walk::arrive() {
  if (!stack_.empty()) return std::move(stack_.back());
  Fd root{::openat(root_, ".", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!root) return std::unexpected(errno);
  return root;
}

std::expected<Fd, int> Walk::run() {
  if (rest_.empty()) return std::unexpected(ENOENT);
  if (rest_.size() >= PATH_MAX) return std::unexpected(ENAMETOOLONG);
  while (true) {
    const std::string component = take_component();
    if (component.empty()) return arrive();
    if (component == ".") continue;
    if (component == "..") {
      if (!stack_.empty()) stack_.pop_back();
      continue;
    }
    Fd next{::openat(here(), component.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    if (!next) return std::unexpected(errno);
    struct stat facts{};
    if (::fstat(next.get(), &facts) != 0) return std::unexpected(errno);
    if (S_ISLNK(facts.st_mode) && (more_ || last_ == LastLink::follow)) {
      if (auto followed = follow(next); !followed) return std::unexpected(followed.error());
    } else if (S_ISDIR(facts.st_mode)) {
      stack_.push_back(std::move(next));
    } else {
      if (more_) return std::unexpected(ENOTDIR);
      return next;
    }
  }
}

}  // namespace

std::expected<Fd, int> walk_in_root(int root, std::string_view path, LastLink last) {
  return Walk(root, path, last).run();
}

}  // namespace xc::sys
