#include "shim/life.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <vector>

#include "base/pack.h"
#include "registry/leftovers.h"
#include "shim/config.h"
#include "shim/launch.h"
#include "shim/monitor.h"
#include "sys/cgroup.h"
#include "sys/log.h"
#include "sys/own_users.h"
#include "sys/privileges.h"
#include "sys/unix_socket.h"

namespace xc::shim {
namespace {

constexpr std::uint64_t memory_of_a_shim = 48UL << 20U;  // monitor, workers and their socket buffers (R33)
constexpr off_t largest_config = off_t{8} << 20U;

Result<Config> read_config(const Fd& file) {
  struct stat info{};
  if (::fstat(file.get(), &info) != 0) return fail_errno(Kind::internal, "configuration", errno);
  if (info.st_size > largest_config) return fail(Kind::internal, "configuration is too large");
  std::string bytes(static_cast<std::size_t>(info.st_size), '\0');
  if (::pread(file.get(), bytes.data(), bytes.size(), 0) != info.st_size)
    return fail_errno(Kind::internal, "configuration", errno);
  return unpack<Config>(bytes);
}

/// What the hook put at its places.
struct Given {
  Fd hook;
  Fd init;
  std::vector<Fd> listeners;
  Estate estate;
};

/// The sockets of a container's entry that xc-inject comes to.
struct Doors {
  Fd status;
  Fd orders;
};

/// Takes a descriptor from its place; it stays in this process alone.
Result<Fd> take(int place) {
  if (::fcntl(place, F_SETFD, FD_CLOEXEC) != 0)
    return fail(Kind::usage, "xc-shim is started by xc-hook, not by hand; see xc-inject(1)");
  return Fd(place);
}

/// What the monitor needs for as long as it lives: to reach providers' roots and sockets whoever owns them, and to make
/// and end workers; to enter mount namespaces (setns(2)) for links that are direct; and, before Linux 6.9,
/// CAP_NET_ADMIN to ask for the device programs of a control group. Everything else is given up.
Result<> keep_what_is_needed() {
  return sys::keep_capabilities({CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_SYS_CHROOT, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH,
                                 CAP_FOWNER, CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_KILL, CAP_NET_ADMIN});
}

std::optional<sys::OwnCgroup> enter_cgroup(const sys::Proc& proc, const std::string& key) {
  auto group = sys::OwnCgroup::enter(proc, key);
  if (!group) {
    const std::string sentence = key + ": no control group of its own: " + group.error().text;
    sys::among_own_users() ? log::info(sentence) : log::warning(sentence);  // an ordinary user has none to give away
    return std::nullopt;
  }
  if (const auto unlimited = group->limit_memory(memory_of_a_shim)) log::info(key + ": " + *unlimited);
  return std::move(*group);
}

/// From COMMIT to the end of the container, in a control group of our own. That comes after the hook has gone: moving
/// between groups waits for every CPU, and the container's start must not.
Result<> serve_in_group(const Config& config, const sys::Proc& proc, Monitor& monitor) {
  const auto group = enter_cgroup(proc, config.key);
  auto outcome = monitor.run();
  if (!group) return outcome;
  if (const auto left = group->leave_and_remove(); !left) log::warning(config.key + ": " + left.error().text);
  return outcome;
}

Result<> watch_over(const Config& config, const Street& street, Given& given, Doors& doors) {
  Watch watch{std::move(given.init), XC_TRY(watch_signals()), Fd{}, Fd{}, std::move(doors.orders)};
  watch.status = Fd{::fcntl(doors.status.get(), F_DUPFD_CLOEXEC, 0)};
  if (!watch.status) return fail_errno(Kind::kernel, "status socket", errno);
  XC_CHECK(keep_what_is_needed());
  const auto monitor =
      XC_TRY(Monitor::create(config, street, std::move(given.listeners), std::move(watch), &given.estate));
  if (!wait_for_commit(given.hook)) return {};  // the hook was killed: it never happened
  return serve_in_group(config, street.proc, *monitor);
}

Result<Doors> open_doors(const registry::StateDir& state, const std::string& key) {
  const Fd entry{::openat(state.containers(), key.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!entry) return fail_errno(Kind::kernel, key, errno);
  Doors doors;
  doors.status = XC_TRY(sys::listen_at(entry.get(), "status", {.mode = 0600}));
  doors.orders = XC_TRY(sys::listen_at(entry.get(), "orders", {.kind = sys::SocketKind::seqpacket, .mode = 0600}));
  return doors;
}

/// However the watch ends, nothing of it is left.
Result<> serve(const Config& config, Given& given) {
  const auto proc = XC_TRY(sys::Proc::open());
  const auto state = XC_TRY(registry::StateDir::find(config.state));
  const auto process = XC_TRY(sys::find_process(proc, static_cast<pid_t>(config.init.pid), config.init.start_time));
  if (!process) return fail(Kind::kernel, "the container has ended");
  const Street street{config.consumer, config.key, proc, given.estate.host, &state, &*process};
  // Open to the very end: it tells a sweeping hook that somebody is at it who reaches more than the hook.
  auto doors = open_doors(state, config.key);
  auto outcome = doors ? watch_over(config, street, given, *doors) : Result<>(std::unexpected(doors.error()));
  registry::release(state, config.key, config.init, given.estate.directories);
  return outcome;
}

}  // namespace

Result<Fd> watch_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, number);
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return fail_errno(Kind::kernel, "sigprocmask", errno);
  Fd descriptor{::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!descriptor) return fail_errno(Kind::kernel, "signalfd", errno);
  return descriptor;
}

Result<> live_as_monitor() {
  (void)::prctl(PR_SET_NAME, "xc-shim", 0, 0, 0);  // execveat(2) by descriptor names it after the descriptor
  log::to_syslog("xc-shim");
  Config config;
  {
    const Fd file = XC_TRY(take(Places::config));
    config = XC_TRY(read_config(file));
  }
  Given given;
  given.hook = XC_TRY(take(Places::hook));
  given.init = XC_TRY(take(Places::init));
  log::also_to(XC_TRY(take(Places::log)));
  int place = Places::listeners;
  for (std::size_t i = 0; i < config.links.size() + config.leases.size(); ++i)
    given.listeners.push_back(XC_TRY(take(place++)));
  for (std::size_t i = 0; i < config.directories; ++i) given.estate.directories.push_back(XC_TRY(take(place++)));
  given.estate.host = config.host;
  auto outcome = serve(config, given);
  if (!outcome) log::error(config.consumer + ": " + outcome.error().text);
  return outcome;
}

}  // namespace xc::shim
