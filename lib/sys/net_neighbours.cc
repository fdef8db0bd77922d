// See net_neighbours.h.
#include "sys/net_neighbours.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/text.h"
#include "sys/numbered.h"
#include "sys/peer.h"

namespace xc::sys {
namespace {

bool has_ended(int code) {
  return code == ENOENT || code == ESRCH;
}

Result<bool> is_neighbour(const Proc& proc, pid_t pid, const Process& init) {
  const auto process = open_process(proc, pid);
  if (!process && has_ended(process.error().code)) return false;
  if (!process) return std::unexpected(process.error());
  const auto belongs = belongs_to(proc, *process, init);
  if (!belongs && has_ended(belongs.error().code)) return false;
  if (!belongs) return std::unexpected(belongs.error());
  return !*belongs && XC_TRY(is_alive(*process));
}

}  // namespace

Result<bool> has_net_neighbours(const Proc& proc, const Process& init, const Fd& net) {
  struct stat ours{};
  if (::fstat(net.get(), &ours) != 0) return fail_errno(Kind::kernel, "the container's network namespace", errno);
  for (const std::uint64_t pid : XC_TRY(list_processes(proc))) {
    struct stat theirs{};
    const std::string place = text::number(pid) + "/ns/net";
    if (::fstatat(proc.dir(), place.c_str(), &theirs, 0) != 0) {
      // Whom we may not look at has more rights than we have: in a user namespace of ours, the host's processes.
      if (has_ended(errno) || errno == EACCES) continue;
      return fail_errno(Kind::kernel, "/proc/" + place, errno);
    }
    const bool together = theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino;
    if (together && XC_TRY(is_neighbour(proc, static_cast<pid_t>(pid), init))) return true;
  }
  return false;
}

}  // namespace xc::sys
