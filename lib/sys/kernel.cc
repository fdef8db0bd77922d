#include "sys/kernel.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "base/fd.h"
#include "sys/small_file.h"

namespace xc::sys {
namespace {

/// A call with arguments that it must refuse.
struct Probe {
  std::string_view name;
  long number;
};
constexpr std::array probes{
    Probe{"memfd_create", SYS_memfd_create}, Probe{"statx", SYS_statx},
    Probe{"open_tree", SYS_open_tree},       Probe{"move_mount", SYS_move_mount},
    Probe{"pidfd_open", SYS_pidfd_open},     Probe{"openat2", SYS_openat2},
    Probe{"close_range", SYS_close_range},   Probe{"mount_setattr", SYS_mount_setattr},
};
constexpr std::array<std::string_view, 7> namespaces{"user", "pid", "mnt", "net", "ipc", "uts", "cgroup"};

bool is_missing(long number) {
  // -1 is no descriptor, no pointer and no set of flags; close_range() wants its first number below its last.
  const long first = number == SYS_close_range ? 1 : -1;
  const long last = number == SYS_close_range ? 0 : -1;
  return ::syscall(number, first, last, -1L, -1L, -1L) == -1 && errno == ENOSYS;
}

}  // namespace

std::string kernel_release() {
  utsname names{};
  return ::uname(&names) == 0 ? names.release : "?";
}

std::vector<std::string> missing_calls() {
  std::vector<std::string> missing;
  for (const Probe& probe : probes)
    if (is_missing(probe.number)) missing.emplace_back(probe.name);
  return missing;
}

bool has_seccomp() {
  const unsigned action = SECCOMP_RET_KILL_PROCESS;
  return ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0U, &action) == 0;
}

std::vector<std::string> missing_namespaces() {
  std::vector<std::string> missing;
  for (const std::string_view name : namespaces)
    if (::access(("/proc/self/ns/" + std::string(name)).c_str(), F_OK) != 0 && errno == ENOENT)
      missing.emplace_back(name);
  return missing;
}

std::vector<std::string> exhausted_namespaces() {
  std::vector<std::string> exhausted;
  const Fd directory{::open("/proc/sys/user", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  for (const std::string_view name : namespaces) {
    const auto limit = read_file(directory.get(), "max_" + std::string(name) + "_namespaces", 64);
    if (limit && limit->starts_with("0\n")) exhausted.emplace_back(name);
  }
  return exhausted;
}

}  // namespace xc::sys
