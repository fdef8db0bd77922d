// See enter.h.
#include "sys/enter.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/capability.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "sys/namespaces.h"
#include "sys/proc_status.h"
#include "sys/reap.h"
#include "sys/sealed_file.h"

namespace xc::sys {
namespace {

Result<Fd> copy_of(const Fd& program) {
  struct stat facts{};
  if (::fstat(program.get(), &facts) != 0) return fail_errno(Kind::kernel, "fstat", errno);
  Fd copy{::memfd_create("xc-inject", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!copy) return fail_errno(Kind::kernel, "memfd_create", errno);
  for (off_t left = facts.st_size; left > 0;) {
    const ssize_t moved = ::sendfile(copy.get(), program.get(), nullptr, static_cast<std::size_t>(left));
    if (moved <= 0) return fail_errno(Kind::kernel, "copying the program", errno);
    left -= moved;
  }
  XC_CHECK(seal(copy));
  return copy;
}

/// What its first process may do, as /proc/PID/status tells it: "CapBnd:\t00000000a80425fb".
Result<std::uint64_t> mask_of(const std::string& status, std::string_view key) {
  if (const auto mask = status_mask(status, key)) return *mask;
  return fail(Kind::kernel, "the kernel does not tell the capabilities of a process (" + std::string(key) + ")");
}

/// Capabilities are not joined by setns(2): with those of the host's root inside, a container would be no container.
Result<> take_rights_of(const std::string& status) {
  const std::uint64_t bounding = XC_TRY(mask_of(status, "CapBnd"));
  const std::uint64_t permitted = XC_TRY(mask_of(status, "CapPrm"));
  if (status_value(status, "NoNewPrivs") == "1" && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return fail_errno(Kind::kernel, "PR_SET_NO_NEW_PRIVS", errno);
  for (int cap = 0; ::prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; ++cap)
    if ((bounding >> static_cast<unsigned>(cap) & 1U) == 0 && ::prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
      return fail_errno(Kind::kernel, "PR_CAPBSET_DROP", errno);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  for (unsigned half = 0; half < 2; ++half) {
    const auto bits = static_cast<std::uint32_t>(permitted >> (32U * half));
    data[half].effective = data[half].permitted = bits;
  }
  if (::syscall(SYS_capset, &header, data) != 0) return fail_errno(Kind::kernel, "capset", errno);
  return {};
}

Result<> join_namespaces(const Process& init, bool other_users) {
  const int kinds = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP |
                    (other_users ? CLONE_NEWUSER : 0);
  if (::setns(init.pidfd.get(), kinds) != 0) return fail_errno(Kind::kernel, "entering the container", errno);
  if (other_users && (::setresgid(0, 0, 0) != 0 || ::setresuid(0, 0, 0) != 0))
    return fail_errno(Kind::kernel, "becoming the container's root", errno);
  return {};
}

/// Waits for `child` and ends as it did.
[[noreturn]] void pass_on(pid_t child) {
  ::_exit(exit_code_of(reap(child)));
}

}  // namespace

int exit_code_of(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Result<> run_from_memory(const std::vector<std::string>& words) {
  const Fd program{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
  if (!program) return fail_errno(Kind::kernel, "/proc/self/exe", errno);
  if (is_sealed(program)) return {};
  const Fd copy = XC_TRY(copy_of(program));
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::syscall(SYS_execveat, copy.get(), "", arguments.data(), environ, AT_EMPTY_PATH);
  return fail_errno(Kind::kernel, "executing a copy of the program", errno);
}

Result<Inside> enter_container(const Proc& proc, const Process& init) {
  const std::string status = XC_TRY(read_status(init.dir.get()));
  const Namespaces own = XC_TRY(own_namespaces(proc));
  const Namespaces its = XC_TRY(open_namespaces(init));
  const bool other_users = !XC_TRY(same_file(own.user.get(), its.user.get()));
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return fail_errno(Kind::kernel, "PR_SET_DUMPABLE", errno);
  const pid_t outer = ::fork();
  if (outer < 0) return fail_errno(Kind::kernel, "fork", errno);
  if (outer > 0) return Inside{false, exit_code_of(reap(outer))};
  XC_CHECK(join_namespaces(init, other_users));
  const pid_t inner = ::fork();  // the pid namespace is that of children
  if (inner < 0) return fail_errno(Kind::kernel, "fork", errno);
  if (inner > 0) pass_on(inner);
  XC_CHECK(take_rights_of(status));
  return Inside{true, 0};
}

}  // namespace xc::sys
