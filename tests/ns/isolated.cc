#include "isolated.h"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <vector>

namespace xc::test {
namespace {

std::vector<int> calls_of(Lacking lacking) {
  const std::vector<int> mount_calls = {SCMP_SYS(open_tree), SCMP_SYS(move_mount), SCMP_SYS(mount_setattr)};
  switch (lacking) {
    case Lacking::nothing: return {};
    case Lacking::openat2: return {SCMP_SYS(openat2)};
    case Lacking::mount_setattr: return {SCMP_SYS(mount_setattr)};
    case Lacking::mount_calls: return mount_calls;
    case Lacking::pidfd: return {SCMP_SYS(pidfd_open)};
    case Lacking::close_range: return {SCMP_SYS(close_range)};
    case Lacking::statx: return {SCMP_SYS(statx)};
    case Lacking::all: break;
  }
  return {SCMP_SYS(openat2),    SCMP_SYS(open_tree),   SCMP_SYS(move_mount), SCMP_SYS(mount_setattr),
          SCMP_SYS(pidfd_open), SCMP_SYS(close_range), SCMP_SYS(statx)};
}

[[noreturn]] void be_isolated(Lacking lacking, const std::string& place,
                              const std::function<void(const std::string&)>& body) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("none", place.c_str(), "tmpfs", 0, "mode=755") != 0) {
    std::perror("these tests need root and a mount namespace");
    ::_exit(1);
  }
  ::umask(022);
  lack(lacking);
  body(place);
  std::fflush(nullptr);
  ::_exit(testing::Test::HasFailure() ? 1 : 0);
}

}  // namespace

std::string name_of(Lacking lacking) {
  switch (lacking) {
    case Lacking::nothing: return "nothing";
    case Lacking::openat2: return "openat2";
    case Lacking::mount_setattr: return "mount_setattr";
    case Lacking::mount_calls: return "mount_calls";
    case Lacking::pidfd: return "pidfd";
    case Lacking::close_range: return "close_range";
    case Lacking::statx: return "statx";
    case Lacking::all: break;
  }
  return "all";
}

void lack(Lacking lacking) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  for (const int call : calls_of(lacking))
    if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), call, 0) != 0) std::abort();
  if (seccomp_load(filter) != 0) std::abort();
  seccomp_release(filter);
}

void isolated(Lacking lacking, const std::function<void(const std::string& place)>& body) {
  std::string place = "/tmp/xc-ns-test-XXXXXX";
  ASSERT_NE(::mkdtemp(place.data()), nullptr);
  std::fflush(nullptr);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) be_isolated(lacking, place, body);
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "the isolated part failed, see above";
  EXPECT_EQ(::rmdir(place.c_str()), 0) << "something was left in " << place;
}

void make_directories(const std::string& path) {
  std::filesystem::create_directories(path);
}

void write_text(const std::string& path, const std::string& text) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  ASSERT_GE(file, 0) << path;
  ASSERT_EQ(::write(file, text.data(), text.size()), std::ssize(text));
  ::close(file);
}

void link_to(const std::string& target, const std::string& path) {
  ASSERT_EQ(::symlink(target.c_str(), path.c_str()), 0) << path;
}

int count_entries(const std::string& path) {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::recursive_directory_iterator(path)) ++count;
  return count;
}

}  // namespace xc::test
