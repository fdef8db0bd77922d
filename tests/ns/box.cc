#include "box.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>

#include "base/pack.h"
#include "isolated.h"
#include "sys/container_root.h"
#include "sys/id_map.h"
#include "sys/small_file.h"
#include "sys/unix_socket.h"

namespace xc::test {
namespace {

void must(bool good, const char* what) {
  if (good) return;
  std::perror(what);
  ::_exit(1);
}

void be_init(const std::string& root, const BoxOptions& options, int ready, int mapped) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  char byte = 0;
  if (options.user_namespace) {
    must(::unshare(CLONE_NEWUSER) == 0, "unshare user");
    must(::write(ready, "u", 1) == 1 && ::read(mapped, &byte, 1) == 1, "map");
    must(::setresgid(0, 0, 0) == 0 && ::setresuid(0, 0, 0) == 0, "setresuid");
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  }
  must(::unshare(CLONE_NEWNS) == 0, "unshare mount");
  if (!options.keeps_propagation) must(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0, "private");
  must(::mount(root.c_str(), root.c_str(), nullptr, MS_BIND, nullptr) == 0, "bind root");
  for (const char* name : {"/run", "/dev"}) {
    struct stat facts{};
    const std::string path = root + name;
    if (::lstat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode))
      must(::mount("none", path.c_str(), "tmpfs", MS_NODEV, "mode=755") == 0, "tmpfs");
  }
  if (options.prepare) options.prepare(root);
  if (options.pivoted) {
    must(::chdir(root.c_str()) == 0 && ::syscall(SYS_pivot_root, ".", ".") == 0, "pivot_root");
    must(::umount2(".", MNT_DETACH) == 0 && ::chdir("/") == 0, "leave the old root");
  }
  must(::write(ready, "r", 1) == 1, "ready");
  while (true) ::pause();
}

void write_maps(pid_t pid) {
  const std::string base = "/proc/" + std::to_string(pid);
  for (const char* file : {"/uid_map", "/gid_map"}) {
    const int map = ::open((base + file).c_str(), O_WRONLY | O_CLOEXEC);
    EXPECT_EQ(::write(map, "0 100000 65536", 14), 14);
    ::close(map);
  }
}

}  // namespace

sys::Deadline soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(60);  // of a busy machine
}

Box::Box(const std::string& root, const BoxOptions& options) : root_(root) {
  std::array<int, 2> ready{};
  std::array<int, 2> mapped{};
  if (::pipe2(ready.data(), O_CLOEXEC) != 0 || ::pipe2(mapped.data(), O_CLOEXEC) != 0) std::abort();
  const int flags = options.pid_namespace ? CLONE_NEWPID : 0;
  pid_ = static_cast<pid_t>(::syscall(SYS_clone, flags | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (pid_ == 0) {
    ::close(ready[0]);
    be_init(root, options, ready[1], mapped[0]);
  }
  ::close(ready[1]);
  char byte = 0;
  if (options.user_namespace) {
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    write_maps(pid_);
    EXPECT_EQ(::write(mapped[1], "m", 1), 1);
  }
  EXPECT_EQ(::read(ready[0], &byte, 1), 1) << "the box did not come up";
  ::close(ready[0]);
  ::close(mapped[0]);
  ::close(mapped[1]);
}

Box::~Box() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

Result<sys::Answer> Box::inside(
    const std::function<Result<sys::Answer>(const sys::RootedDir&, const sys::Proc&, sys::Owner)>& work) const {
  const sys::Proc proc = XC_TRY(sys::Proc::open());
  const sys::Process init = XC_TRY(sys::open_process(proc, pid_));
  const sys::RootedDir root = XC_TRY(sys::open_container_root(proc, init, root_));
  const sys::Namespaces spaces = XC_TRY(sys::open_namespaces(init));
  const sys::Owner owner = XC_TRY(sys::owner_of_root(proc, init, spaces));
  return sys::run_child(
      [&]() -> Result<sys::Answer> {
        XC_CHECK(sys::enter_mount_namespace(spaces.mount));
        return work(root, proc, owner);
      },
      soon());
}

Result<sys::Planted> Box::plant(const std::string& target, int source, sys::Use use) const {
  const sys::Tree tree = XC_TRY(sys::clone_tree(source, use));
  const sys::Proc host = XC_TRY(sys::Proc::open());
  const sys::Process init = XC_TRY(sys::open_process(host, pid_));
  const sys::Namespaces spaces = XC_TRY(sys::open_namespaces(init));
  const auto insiders = XC_TRY(sys::insiders_of(host, init, spaces));
  const auto answer = inside([&](const auto& root, const auto& proc, auto owner) -> Result<sys::Answer> {
    const sys::Manner manner{.owner = owner, .insiders = insiders ? &*insiders : nullptr};
    return sys::Answer{pack(XC_TRY(sys::plant_file(root, proc, target, tree, manner)).planted)};
  });
  if (!answer) return std::unexpected(answer.error());
  return unpack<sys::Planted>(answer->bytes);
}

Result<> Box::undo(const sys::Planted& planted) const {
  const auto answer = inside([&](const auto& root, const auto& proc, auto) -> Result<sys::Answer> {
    XC_CHECK(sys::undo(root, proc, planted));
    return sys::Answer{};
  });
  if (!answer) return std::unexpected(answer.error());
  return {};
}

std::string Box::look(const std::string& path) const {
  const auto answer = inside([&](const auto& root, const auto&, auto) -> Result<sys::Answer> {
    const Fd entry = XC_TRY(root.resolve_entry(path));
    struct stat facts{};
    if (::fstat(entry.get(), &facts) != 0) return fail_errno(Kind::kernel, "fstat", errno);
    const char* kind = S_ISSOCK(facts.st_mode)  ? "socket"
                       : S_ISDIR(facts.st_mode) ? "directory"
                       : S_ISREG(facts.st_mode) ? "file"
                       : S_ISCHR(facts.st_mode) ? "device"
                                                : "other";
    std::array<char, 64> line{};
    std::snprintf(line.data(), line.size(), "%s %u:%u %o", kind, facts.st_uid, facts.st_gid, facts.st_mode & 07777);
    return sys::Answer{line.data()};
  });
  return answer ? answer->bytes : answer.error().text;
}

Host::Host(const std::string& place) : root(place + "/rootfs"), outside(place + "/outside") {
  for (const std::string& path : {root + "/run", root + "/dev", outside, place + "/state"}) make_directories(path);
  state = Fd{::open((place + "/state").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  auto made = sys::listen_at(state.get(), "s", {.mode = 0666});
  EXPECT_TRUE(made) << text_of(made);
  listener = std::move(*made);
  file = Fd{::openat(state.get(), "s", O_PATH | O_NOFOLLOW | O_CLOEXEC)};
}

std::string mounts_of(pid_t pid) {
  const auto text = sys::read_file(AT_FDCWD, "/proc/" + std::to_string(pid) + "/mountinfo", sys::proc_file_limit);
  return text ? *text : text.error().text;
}

}  // namespace xc::test
