// Tries forbidden acts inside the worker's sandbox and says how each ended. Test only, as root or not.
//   xc-probe-sandbox syscall N      run system call N with zero arguments, the filter on
//   xc-probe-sandbox all            every number 0..470: prints those that did not end in SIGSYS
//   xc-probe-sandbox layers [NAME]  the filter off: what do the other layers stop? NAME: an abstract socket of the host
//   xc-probe-sandbox look           the filter off: ids and descriptors
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>

#include "shim/sandbox.h"
#include "sys/seccomp.h"

namespace {

using xc::Fd;
using xc::Result;

constexpr int done = 42;

/// Exit status, or 128 + signal.
int ended(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/// Prints what the child says over its control socket, the only descriptor it has.
void print_words(int control) {
  std::array<char, 512> word{};
  pollfd waiting{control, POLLIN, 0};
  while (poll(&waiting, 1, -1) > 0) {
    const ssize_t got = recv(control, word.data(), word.size(), 0);
    if (got <= 0) return;
    std::printf("%.*s\n", static_cast<int>(got), word.data());
  }
}

int in_sandbox(bool filter, const std::function<Result<>(Fd)>& act) {
  xc::shim::SandboxTerms terms;
  terms.uid = xc::shim::private_uid(getpid());
  const auto work = [&](Fd control) -> Result<> {
    if (filter) XC_CHECK(xc::sys::install_filter(xc::sys::Filter::worker));
    return act(std::move(control));
  };
  auto child = xc::shim::start_sandboxed(terms, work, [](std::string_view text) {
    std::fprintf(stderr, "sandbox: %.*s\n", static_cast<int>(text.size()), text.data());
  });
  if (!child) {
    std::fprintf(stderr, "sandbox: %s\n", child.error().text.c_str());
    return 1;
  }
  print_words(child->control.get());
  return ended(child->pid);
}

int try_syscall(long number) {
  return in_sandbox(true, [number](Fd) -> Result<> {
    syscall(number, 0, 0, 0, 0, 0, 0);
    _exit(done);
  });
}

int try_all() {
  for (long number = 0; number <= 470; ++number) {
    const int how = try_syscall(number);
    if (how != 128 + SIGSYS) std::printf("%ld %d\n", number, how);
  }
  return 0;
}

bool connects_to_abstract(const std::string& name) {
  const Fd client{socket(AF_UNIX, SOCK_STREAM, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path + 1, name.data(), name.size());
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  return connect(client.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0;
}

bool is_reachable() {
  const Fd client{socket(AF_INET, SOCK_DGRAM, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(53);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

void say(const Fd& control, const std::string& word) {
  (void)send(control.get(), word.data(), word.size(), 0);
}

/// The acts a worker never needs, each stopped without the system call filter.
int try_layers(const std::string& abstract) {
  return in_sandbox(false, [&](Fd control) -> Result<> {
    const auto report = [&](const char* act, bool happened) {
      say(control, std::string(act) + ": " + (happened ? "ALLOWED" : std::strerror(errno)));
    };
    report("open a file", open("/etc/passwd", O_RDONLY) >= 0);
    report("create a file", open("/x", O_CREAT | O_WRONLY, 0600) >= 0);
    report("connect to an abstract socket", connects_to_abstract(abstract));
    report("reach the network", is_reachable());
    const pid_t pid = fork();
    if (pid == 0) _exit(0);
    report("fork", pid > 0);
    report("map writable and executable memory",
           mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
    report("change the user", setresuid(1, 1, 1) == 0);
    report("see another process", kill(2, 0) == 0);
    report("make a user namespace", unshare(CLONE_NEWUSER) == 0);
    report("mount", syscall(SYS_mount, "none", "/", "tmpfs", 0, nullptr) == 0);
    _exit(done);
  });
}

int look() {
  return in_sandbox(false, [](Fd control) -> Result<> {
    say(control,
        "uid " + std::to_string(getuid()) + " gid " + std::to_string(getgid()) + " pid " + std::to_string(getpid()));
    for (int number = 0; number < 64; ++number)
      if (fcntl(number, F_GETFD) >= 0) say(control, "descriptor " + std::to_string(number));
    _exit(done);
  });
}

}  // namespace

int main(int argc, char** argv) {
  const std::string act = argc > 1 ? argv[1] : "";
  if (act == "syscall" && argc == 3) {
    const int how = try_syscall(std::atol(argv[2]));
    std::printf("%d\n", how);
    return how == 128 + SIGSYS ? 0 : 1;
  }
  if (act == "all") return try_all();
  if (act == "layers") return try_layers(argc > 2 ? argv[2] : "xc-probe");
  if (act == "look") return look();
  std::fprintf(stderr, "usage: xc-probe-sandbox syscall N | all | layers [NAME] | look\n");
  return 64;
}
