#include "shim/sandbox.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <sys/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <string>

#include "base/text.h"
#include "sys/descriptors.h"
#include "sys/own_users.h"
#include "sys/privileges.h"
#include "sys/reap.h"

namespace xc::shim {
namespace {

constexpr unsigned long isolation =
    CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

struct Ids {
  uid_t inside;    ///< what the child calls itself
  bool own_users;  ///< it has a user namespace
  [[nodiscard]] uid_t spoken(uid_t outside) const { return own_users ? 1 : outside; }
};

/// The root becomes an empty, read-only file system that nothing else can reach.
Result<> empty_root() {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
    return fail_errno(Kind::kernel, "making mounts private", errno);
  // Any directory will do to mount on; /proc exists wherever we run.
  if (::mount("none", "/proc", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
              "size=4k,nr_inodes=1,mode=0555") != 0)
    return fail_errno(Kind::kernel, "mounting an empty root", errno);
  if (::chdir("/proc") != 0) return fail_errno(Kind::kernel, "chdir", errno);
  if (::syscall(SYS_pivot_root, ".", ".") != 0) return fail_errno(Kind::kernel, "pivot_root", errno);
  if (::umount2(".", MNT_DETACH) != 0) return fail_errno(Kind::kernel, "leaving the old root", errno);
  if (::chdir("/") != 0) return fail_errno(Kind::kernel, "chdir /", errno);
  return {};
}

/// The saved ids are a name to show (SCM_CREDENTIALS, unix(7)): the filter knows no call that would take them on.
Result<> take_ids(uid_t id, uid_t saved) {
  // EPERM: an unprivileged caller's user namespace denies setgroups(2), and with it any group to shed.
  if (::setgroups(0, nullptr) != 0 && errno != EPERM) return fail_errno(Kind::kernel, "setgroups", errno);
  if (::setresgid(id, id, saved) != 0) return fail_errno(Kind::kernel, "setresgid", errno);
  if (::setresuid(id, id, saved) != 0) return fail_errno(Kind::kernel, "setresuid", errno);
  return {};
}

Result<Fd> keep_only(Fd control) {
  constexpr int place = STDERR_FILENO + 1;
  if (control.get() != place && ::dup3(control.get(), place, O_CLOEXEC) < 0)
    return fail_errno(Kind::kernel, "dup3", errno);
  if (control.get() == place) (void)control.release();
  control = Fd(place);
  XC_CHECK(sys::close_from(place + 1));
  for (const int number : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) (void)::fcntl(number, F_SETFD, FD_CLOEXEC);
  return control;
}

Result<> write_file(const std::string& path, const std::string& text) {
  const Fd file{::open(path.c_str(), O_WRONLY | O_CLOEXEC)};
  if (!file || ::write(file.get(), text.data(), text.size()) < 0) return fail_errno(Kind::kernel, path, errno);
  return {};
}

Result<> enter(const SandboxTerms& terms, const Ids& ids) {
  // A user namespace inside ours would give capabilities over it: none may be made (a layer beside the filter).
  if (ids.own_users) (void)write_file("/proc/sys/user/max_user_namespaces", "0");
  XC_CHECK(empty_root());
  XC_CHECK(sys::keep_capabilities({CAP_SETUID, CAP_SETGID, CAP_SETPCAP}));
  XC_CHECK(take_ids(ids.inside, terms.speaks_as ? ids.spoken(*terms.speaks_as) : ids.inside));
  XC_CHECK(sys::drop_everything(terms.descriptors));
  // After the change of ids, which resets it. The control socket's end tells the same should this come too late.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return fail_errno(Kind::kernel, "PR_SET_PDEATHSIG", errno);
  return {};
}

[[noreturn]] void live(const SandboxTerms& terms, const Ids& ids, Fd control, const std::function<Result<>(Fd)>& work,
                       const std::function<void(std::string_view)>& complain) {
  (void)::prctl(PR_SET_NAME, terms.name, 0, 0, 0);
  auto kept = keep_only(std::move(control));
  Result<> outcome;
  if (!kept) {
    outcome = std::unexpected(kept.error());
  } else {
    char go = 0;  // the ids are not mapped before the monitor says so
    if (::recv(kept->get(), &go, 1, 0) != 1) ::_exit(exit_code(Kind::again));
    outcome = enter(terms, ids);
    if (outcome) outcome = work(std::move(*kept));
  }
  if (!outcome) complain(outcome.error().text);
  ::_exit(outcome ? 0 : exit_code(outcome.error().kind));
}

/// fork(2) into new namespaces. clone(2) and not clone3(2): every kernel we support has it, and it takes these flags.
pid_t fork_with(unsigned long flags, int& pidfd) {
  pidfd = -1;
  const auto pid =
      static_cast<pid_t>(::syscall(SYS_clone, flags | CLONE_PIDFD | SIGCHLD, nullptr, &pidfd, nullptr, nullptr));
  return pid;
}

Result<> map_ids(pid_t child, uid_t outside, std::optional<uid_t> spoken) {
  const std::string process = "/proc/" + text::number(child);
  const bool privileged = ::geteuid() == 0;
  const std::string more = spoken ? "1 " + text::number(*spoken) + " 1\n" : "";
  const std::string uid_line = "0 " + text::number(privileged ? outside : ::geteuid()) + " 1\n" + more;
  const std::string gid_line = "0 " + text::number(privileged ? outside : ::getegid()) + " 1\n" + more;
  XC_CHECK(write_file(process + "/uid_map", uid_line));
  if (!privileged) XC_CHECK(write_file(process + "/setgroups", "deny"));
  return write_file(process + "/gid_map", gid_line);
}

/// What the parent does for a child that waits to be let go.
Result<> let_go(const Sandboxed& child, const SandboxTerms& terms, const Ids& ids) {
  if (ids.own_users) {
    auto mapped = map_ids(child.pid, terms.uid, terms.speaks_as);
    if (!mapped && terms.speaks_as && sys::among_own_users())
      return fail(Kind::policy,
                  "user " + text::number(*terms.speaks_as) + " is not among the ids of the user whose podman this is");
    if (!mapped && sys::among_own_users())
      return fail(Kind::kernel,
                  "a worker needs an id that nobody else has, and the user has no subordinate ids: add lines for the "
                  "user to /etc/subuid and /etc/subgid, then podman system migrate");
    XC_CHECK_IN("mapping the worker's ids", std::move(mapped));
  }
  // The worker goes before the monitor when memory runs out; raising needs no privilege and its failure no answer.
  (void)write_file("/proc/" + text::number(child.pid) + "/oom_score_adj", "500");
  const char go = 1;
  if (::send(child.control.get(), &go, 1, MSG_NOSIGNAL) != 1)
    return fail_errno(Kind::kernel, "starting the worker", errno);
  // From here on nobody waits for the worker: a full queue is an answer.
  if (::fcntl(child.control.get(), F_SETFL, O_NONBLOCK) != 0) return fail_errno(Kind::kernel, "O_NONBLOCK", errno);
  return {};
}

}  // namespace

Result<Sandboxed> start_sandboxed(const SandboxTerms& terms, const std::function<Result<>(Fd)>& work,
                                  const std::function<void(std::string_view)>& complain) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    return fail_errno(Kind::kernel, "socketpair", errno);
  Sandboxed child;
  child.control = Fd(pair[0]);
  Fd inner{pair[1]};
  int pidfd = -1;
  Ids ids{0, true};
  child.pid = fork_with(isolation | CLONE_NEWUSER, pidfd);
  if (child.pid < 0 && (errno == EPERM || errno == ENOSPC || errno == EINVAL) && ::geteuid() == 0) {
    ids = {terms.uid, false};
    child.pid = fork_with(isolation, pidfd);
  }
  if (child.pid < 0) return fail_errno(Kind::kernel, "cannot isolate the worker: clone", errno);
  if (child.pid == 0) live(terms, ids, std::move(inner), work, complain);
  child.pidfd = Fd(pidfd);
  if (terms.keeps_queue)
    child.queue = std::move(inner);
  else
    inner.reset();
  if (auto gone = let_go(child, terms, ids); !gone) {
    ::kill(child.pid, SIGKILL);  // ours and not reaped yet
    (void)sys::reap(child.pid);
    return std::unexpected(std::move(gone).error());
  }
  return child;
}

}  // namespace xc::shim
