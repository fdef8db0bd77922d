// How the reader's child loses everything. Runs in that child, between fork() and the first hostile byte.
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstddef>
#include <vector>

#include "reader/child.h"

namespace xc::reader {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t this_arch = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t this_arch = AUDIT_ARCH_AARCH64;
#elif defined(__arm__)
constexpr std::uint32_t this_arch = AUDIT_ARCH_ARM;
#else
#error "no system call filter for this architecture"
#endif

// A sanitizer's shadow maps terabytes.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool shadow_memory = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool shadow_memory = true;
#else
constexpr bool shadow_memory = false;
#endif
#else
constexpr bool shadow_memory = false;
#endif

#ifdef SYS_mmap2
constexpr std::uint32_t map_call = SYS_mmap2;
#else
constexpr std::uint32_t map_call = SYS_mmap;
#endif

constexpr std::array<std::uint32_t, 8> harmless{SYS_read,   SYS_write,   SYS_brk,        SYS_munmap,
                                                SYS_mremap, SYS_madvise, SYS_exit_group, SYS_restart_syscall};

constexpr sock_filter load(std::size_t offset) {
  return {BPF_LD | BPF_W | BPF_ABS, 0, 0, static_cast<std::uint32_t>(offset)};
}
constexpr sock_filter jump(std::uint16_t test, std::uint32_t value, std::uint8_t yes, std::uint8_t no) {
  return {static_cast<std::uint16_t>(BPF_JMP | BPF_K | test), yes, no, value};
}
constexpr sock_filter give(std::uint32_t action) {
  return {BPF_RET | BPF_K, 0, 0, action};
}
/// The lower half of an argument; both that we look at are 32 bits wide, on little-endian machines.
constexpr std::size_t argument(std::size_t index) {
  return offsetof(seccomp_data, args) + 8 * index;
}

/// Allows `harmless` and anonymous memory that is not executable; kills the process for everything else.
std::vector<sock_filter> filter() {
  std::vector<sock_filter> steps{load(offsetof(seccomp_data, arch)), jump(BPF_JEQ, this_arch, 1, 0),
                                 give(SECCOMP_RET_KILL_PROCESS), load(offsetof(seccomp_data, nr))};
  for (const std::uint32_t call : harmless) {
    steps.push_back(jump(BPF_JEQ, call, 0, 1));
    steps.push_back(give(SECCOMP_RET_ALLOW));
  }
  steps.push_back(jump(BPF_JEQ, map_call, 0, 5));
  steps.push_back(load(argument(2)));
  steps.push_back(jump(BPF_JSET, PROT_EXEC, 3, 0));
  steps.push_back(load(argument(3)));
  steps.push_back(jump(BPF_JSET, MAP_ANONYMOUS, 0, 1));
  steps.push_back(give(SECCOMP_RET_ALLOW));
  steps.push_back(give(SECCOMP_RET_KILL_PROCESS));
  return steps;
}

Result<> keep_only(int socket) {
  if (socket != 0 && ::dup2(socket, 0) < 0) return fail_errno(Kind::kernel, "dup2", errno);
#ifdef SYS_close_range
  if (::syscall(SYS_close_range, 1U, UINT_MAX, 0U) == 0) return {};
#endif
  rlimit limit{};  // kernels before 5.9
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return fail_errno(Kind::kernel, "getrlimit", errno);
  for (rlim_t number = 1; number < limit.rlim_max && number < 1048576; ++number) ::close(static_cast<int>(number));
  return {};
}

Result<> limit(int which, rlim_t value) {
  const rlimit both{value, value};
  if (::setrlimit(static_cast<__rlimit_resource_t>(which), &both) != 0)
    return fail_errno(Kind::kernel, "setrlimit", errno);
  return {};
}

Result<> drop_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> none{};
  if (::syscall(SYS_capset, &header, none.data()) != 0) return fail_errno(Kind::kernel, "capset", errno);
  return {};
}

Result<> lower_limits() {
  XC_CHECK(limit(RLIMIT_NOFILE, 1));
  XC_CHECK(limit(RLIMIT_NPROC, 0));
  XC_CHECK(limit(RLIMIT_FSIZE, 0));
  XC_CHECK(limit(RLIMIT_CORE, 0));
  XC_CHECK(limit(RLIMIT_CPU, 1));
  if (!shadow_memory) XC_CHECK(limit(RLIMIT_AS, 64UL * 1024 * 1024));
  return {};
}

Result<> install_filter() {
  std::vector<sock_filter> steps = filter();
  const sock_fprog program{static_cast<unsigned short>(steps.size()), steps.data()};
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0U, &program) != 0)
    return fail_errno(Kind::kernel, "seccomp", errno);
  return {};
}

}  // namespace

Result<> confine(int socket) {
  const pid_t parent = ::getppid();
  XC_CHECK(keep_only(socket));
  XC_CHECK(lower_limits());
  XC_CHECK(drop_capabilities());
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno(Kind::kernel, "no_new_privs", errno);
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return fail_errno(Kind::kernel, "PR_SET_DUMPABLE", errno);
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return fail_errno(Kind::kernel, "PR_SET_PDEATHSIG", errno);
  if (::getppid() != parent) return fail(Kind::kernel, "the parent is gone");
  return install_filter();
}

}  // namespace xc::reader
