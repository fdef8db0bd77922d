#include "sys/seccomp.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>

namespace xc::sys {
namespace {

#include "agent_filter.inc"
#include "reader_filter.inc"
#include "worker_filter.inc"

template <std::size_t size>
sock_fprog program_of(const sock_filter (&steps)[size]) {
  // The kernel only reads the program; the field is not const for historical reasons.
  return {static_cast<unsigned short>(size), const_cast<sock_filter*>(steps)};
}

}  // namespace

Result<> install_filter(Filter filter) {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno(Kind::kernel, "no_new_privs", errno);
  const sock_fprog program = filter == Filter::worker  ? program_of(worker_filter)
                             : filter == Filter::agent ? program_of(agent_filter)
                                                       : program_of(reader_filter);
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0U, &program) != 0)
    return fail_errno(Kind::kernel, "seccomp", errno);
  return {};
}

}  // namespace xc::sys
