#include "sys/privileges.h"

#include <fcntl.h>
#include <linux/prctl.h>
#include <linux/securebits.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "base/fd.h"
#include "sys/descriptors.h"

namespace xc::sys {
namespace {

constexpr int set_mdwe = 65;  // PR_SET_MDWE: newer than Debian 12's headers
constexpr unsigned long mdwe_refuse_exec_gain = 1;

Result<> fill_standard_descriptors() {
  for (;;) {
    const int number = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (number < 0) return fail_errno(Kind::kernel, "/dev/null", errno);
    if (number <= STDERR_FILENO) {  // it fell into a hole: keep it there, for our children as well
      if (::fcntl(number, F_SETFD, 0) != 0) return fail_errno(Kind::kernel, "fcntl", errno);
      continue;
    }
    ::close(number);
    return {};
  }
}

void reset_signals() {
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action{};
    // A peer that left, or a size limit of whoever started us, is an errno to handle and no death.
    action.sa_handler = number == SIGPIPE || number == SIGXFSZ ? SIG_IGN : SIG_DFL;
    (void)::sigaction(number, &action, nullptr);  // SIGKILL, SIGSTOP and the C library's own refuse, rightly
  }
  sigset_t none;
  sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr);
}

Result<> set_limit(int which, rlim_t value, std::string_view name) {
  rlimit limit{};
  if (::getrlimit(static_cast<__rlimit_resource_t>(which), &limit) != 0)
    return fail_errno(Kind::kernel, "getrlimit", errno);
  limit.rlim_max = std::min(limit.rlim_max, value);
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(static_cast<__rlimit_resource_t>(which), &limit) != 0) return fail_errno(Kind::kernel, name, errno);
  return {};
}

Result<> limit_resources(unsigned descriptors) {
  XC_CHECK(set_limit(RLIMIT_NOFILE, descriptors, "RLIMIT_NOFILE"));
  XC_CHECK(set_limit(RLIMIT_NPROC, 0, "RLIMIT_NPROC"));
  XC_CHECK(set_limit(RLIMIT_FSIZE, 0, "RLIMIT_FSIZE"));
  XC_CHECK(set_limit(RLIMIT_CORE, 0, "RLIMIT_CORE"));
  XC_CHECK(set_limit(RLIMIT_MEMLOCK, 0, "RLIMIT_MEMLOCK"));
  XC_CHECK(set_limit(RLIMIT_MSGQUEUE, 0, "RLIMIT_MSGQUEUE"));
  XC_CHECK(set_limit(RLIMIT_STACK, 512UL * 1024, "RLIMIT_STACK"));
#if !defined(XC_SANITIZED)  // the sanitizers map their shadow of the whole address space
  XC_CHECK(set_limit(RLIMIT_AS, 64UL * 1024 * 1024, "RLIMIT_AS"));
#endif
  return {};
}

}  // namespace

Result<> start_clean(unsigned first_closed) {
  ::clearenv();
  reset_signals();
  XC_CHECK(fill_standard_descriptors());
  XC_CHECK(close_from(first_closed));
  ::umask(022);
  if (::chdir("/") != 0) return fail_errno(Kind::kernel, "chdir /", errno);
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return fail_errno(Kind::kernel, "PR_SET_DUMPABLE", errno);
  return {};
}

Result<> detach_from_caller() {
  (void)::setsid();  // fails only for a group leader, which a child of ours never is
  const Fd null{::open("/dev/null", O_RDWR | O_CLOEXEC)};
  if (!null) return fail_errno(Kind::kernel, "/dev/null", errno);
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::dup2(null.get(), number) < 0) return fail_errno(Kind::kernel, "dup2", errno);
  return {};
}

Result<> keep_capabilities(std::initializer_list<int> keep) {
  const auto kept = [&](int cap) { return std::find(keep.begin(), keep.end(), cap) != keep.end(); };
  (void)::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  for (int cap = 0; ::prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; ++cap)
    if (!kept(cap)) (void)::prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);  // EPERM only where there is nothing to drop
  const cap_t have = ::cap_get_proc();
  if (have == nullptr) return fail_errno(Kind::kernel, "cap_get_proc", errno);
  const cap_t want = ::cap_init();
  for (const int cap : keep) {
    const auto value = static_cast<cap_value_t>(cap);
    cap_flag_value_t permitted = CAP_CLEAR;
    if (::cap_get_flag(have, value, CAP_PERMITTED, &permitted) != 0 || permitted != CAP_SET) continue;
    (void)::cap_set_flag(want, CAP_PERMITTED, 1, &value, CAP_SET);
    (void)::cap_set_flag(want, CAP_EFFECTIVE, 1, &value, CAP_SET);
  }
  const int outcome = ::cap_set_proc(want);
  const int code = errno;
  ::cap_free(have);
  ::cap_free(want);
  if (outcome != 0) return fail_errno(Kind::kernel, "cap_set_proc", code);
  return {};
}

Result<> drop_everything(unsigned descriptors) {
  XC_CHECK(limit_resources(descriptors));
  constexpr unsigned long locked = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                   SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                                   SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  (void)::prctl(PR_SET_SECUREBITS, locked, 0, 0,
                0);  // needs CAP_SETPCAP; without any capability there is nothing to lock
  XC_CHECK(keep_capabilities({}));
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno(Kind::kernel, "no_new_privs", errno);
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return fail_errno(Kind::kernel, "PR_SET_DUMPABLE", errno);
  (void)::prctl(set_mdwe, mdwe_refuse_exec_gain, 0, 0, 0);  // Linux 6.3; the filter forbids PROT_EXEC anyway
  return {};
}

}  // namespace xc::sys
