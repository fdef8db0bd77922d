// See program_name.h.
#include "sys/program_name.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/text.h"
#include "sys/link_text.h"
#include "sys/small_file.h"

namespace xc::sys {
namespace {

constexpr std::size_t longest_name = 256;

/// True while the process can still be asked for, so that its number has meant nobody else so far.
bool is_there(const Fd& pidfd) {
  return ::syscall(SYS_pidfd_send_signal, pidfd.get(), 0, nullptr, 0U) == 0 || errno == EPERM;
}

}  // namespace

ProgramName name_of_program(const Proc& proc, pid_t pid, const Fd& pidfd) {
  const std::string directory = text::number(std::int64_t{pid});
  const auto comm = read_file(proc.dir(), directory + "/comm", longest_name);
  auto exe = read_link(proc.dir(), directory + "/exe");
  if (pidfd && !is_there(pidfd)) return {};
  ProgramName name;
  if (comm) name.program = comm->substr(0, comm->find_last_not_of('\n') + 1);
  if (exe) name.file = std::move(*exe);
  return name;
}

}  // namespace xc::sys
