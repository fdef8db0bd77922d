#include "registry/state_dir.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "base/text.h"
#include "sys/own_users.h"

namespace xc::registry {
namespace {

constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

Result<Fd> open_private(int parent, const std::string& name) {
  Fd directory{::openat(parent, name.c_str(), directory_flags)};
  if (!directory) return fail_errno(Kind::kernel, name, errno);
  struct stat info{};
  if (::fstat(directory.get(), &info) != 0) return fail_errno(Kind::kernel, name, errno);
  if (info.st_uid != ::geteuid() || (info.st_mode & 0777U) != 0700U)
    return fail(Kind::kernel, name + ": must belong to uid " + text::number(::geteuid()) +
                                  " with mode 0700; chown and chmod it, or remove it");
  return directory;
}

Result<Fd> make_private(int parent, const std::string& name) {
  if (::mkdirat(parent, name.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno(Kind::kernel, name, errno);
  return open_private(parent, name);
}

}  // namespace

Result<StateDir> StateDir::open(const std::string& named) {
  const std::string path = state_path(named);
  Fd top = XC_TRY_IN("state directory", make_private(AT_FDCWD, path));
  for (const char* part : {"c", "offers", "n"})
    if (::mkdirat(top.get(), part, 0700) != 0 && errno != EEXIST) return fail_errno(Kind::kernel, path, errno);
  return open_parts(std::move(top), path);
}

Result<StateDir> StateDir::find(const std::string& named) {
  const std::string path = state_path(named);
  Fd top{::open(path.c_str(), directory_flags)};
  if (!top && errno == ENOENT) return fail(Kind::usage, path + ": no container was ever served from here", ENOENT);
  if (!top && errno == EACCES && ::geteuid() != 0)
    return fail(Kind::kernel, path + ": only root may look at containers that run", EACCES);
  return open_parts(XC_TRY_IN("state directory", open_private(AT_FDCWD, path)), path);
}

Result<StateDir> StateDir::open_parts(Fd top, std::string path) {
  StateDir state;
  state.containers_ = XC_TRY_IN(path, open_private(top.get(), "c"));
  state.offers_ = XC_TRY_IN(path, open_private(top.get(), "offers"));
  auto redirectors = open_private(top.get(), "n");  // not there when an older hook made the others
  if (!redirectors && redirectors.error().code != ENOENT)
    return std::unexpected(in_context(path, std::move(redirectors).error()));
  if (redirectors) state.redirectors_ = *std::move(redirectors);
  state.top_ = std::move(top);
  state.path_ = std::move(path);
  return state;
}

std::string state_path(const std::string& named) {
  if (named != default_state_dir) return named;
  const std::string own = sys::runtime_directory();
  return own.empty() ? named : own + "/xconnect";
}

std::string redirector_of(const std::string& state, std::string_view name) {
  return state + "/n/" + std::string(name);
}

void sleep_a_little() {
  constexpr timespec two_milliseconds{0, 2'000'000};
  ::nanosleep(&two_milliseconds, nullptr);
}

Result<> lock_until(const Fd& file, sys::Deadline deadline) {
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return fail_errno(Kind::kernel, "flock", errno);
    if (sys::milliseconds_until(deadline) == 0) return fail(Kind::again, "another hook works on it");
    sleep_a_little();
  }
  return {};
}

std::string key_of(std::string_view name, std::int64_t pid) {
  return std::string(name) + "." + text::number(pid);
}

}  // namespace xc::registry
