// How the reader's child loses everything. Runs in that child, between fork() and the first hostile byte.
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "reader/child.h"
#include "sys/descriptors.h"
#include "sys/privileges.h"
#include "sys/seccomp.h"

namespace xc::reader {

Result<> confine(int socket) {
  const pid_t parent = ::getppid();
  if (socket != 0 && ::dup2(socket, 0) < 0) return fail_errno(Kind::kernel, "dup2", errno);
  XC_CHECK(sys::close_from(1));
  constexpr rlimit one_second{1, 1};
  if (::setrlimit(RLIMIT_CPU, &one_second) != 0) return fail_errno(Kind::kernel, "RLIMIT_CPU", errno);
  XC_CHECK(sys::drop_everything(1));
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return fail_errno(Kind::kernel, "PR_SET_PDEATHSIG", errno);
  if (::getppid() != parent) return fail(Kind::kernel, "the parent is gone");
  return sys::install_filter(sys::Filter::reader);
}

}  // namespace xc::reader
