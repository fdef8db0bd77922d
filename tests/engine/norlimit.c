/* Preloaded into crun on machines that withhold CAP_SYS_RESOURCE: a raise of a limit that the kernel refuses with EPERM
 * is answered with success and the limit stays. crun before 1.14 gives up otherwise, although it does not need it. */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static int forgiving(pid_t pid, int resource, const void *wanted, void *old) {
  long rc = syscall(SYS_prlimit64, pid, resource, wanted, old);
  if (rc != 0 && errno == EPERM && wanted) rc = old ? syscall(SYS_prlimit64, pid, resource, 0, old) : 0;
  return (int)rc;
}

int setrlimit(__rlimit_resource_t resource, const struct rlimit *wanted) { return forgiving(0, (int)resource, wanted, 0); }
int setrlimit64(__rlimit_resource_t resource, const struct rlimit64 *wanted) { return forgiving(0, (int)resource, wanted, 0); }
int prlimit(pid_t pid, enum __rlimit_resource resource, const struct rlimit *wanted, struct rlimit *old) {
  return forgiving(pid, (int)resource, wanted, old);
}
int prlimit64(pid_t pid, enum __rlimit_resource resource, const struct rlimit64 *wanted, struct rlimit64 *old) {
  return forgiving(pid, (int)resource, wanted, old);
}
