#include "sys/command.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include "base/fd.h"
#include "base/text.h"
#include "sys/reap.h"

namespace xc::sys {
namespace {

constexpr std::size_t most_output = 64UL * 1024;

[[noreturn]] void become(const std::vector<std::string>& words, int input, int output) {
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  std::vector<char*> argv;
  for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  if (nothing < 0 || ::dup2(input, 0) < 0 || ::dup2(output, 1) < 0 || ::dup2(nothing, 2) < 0) ::_exit(127);
  (void)std::signal(SIGPIPE, SIG_DFL);
  ::execv(argv.front(), argv.data());
  ::_exit(127);
}

/// A file that holds `text` and nobody else sees, at its beginning.
Result<Fd> file_of(std::string_view text) {
  Fd file{::memfd_create("xc-input", MFD_CLOEXEC)};
  if (!file) return fail_errno(Kind::kernel, "memfd_create", errno);
  if (::pwrite(file.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size()))
    return fail_errno(Kind::kernel, "memfd_create", ENOSPC);
  return file;
}

Result<std::string> collect(const Fd& pipe, Deadline deadline) {
  std::string text;
  std::array<char, 4096> piece{};
  for (;;) {
    pollfd waiting{pipe.get(), POLLIN, 0};
    const int ready = ::poll(&waiting, 1, milliseconds_until(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return fail(Kind::again, "it does not answer");
    const ssize_t got = ::read(pipe.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    if (text.size() < most_output) text.append(piece.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace

std::string find_program(const std::string& program) {
  const char* path = std::getenv("PATH");
  for (const std::string_view directory : text::split(path != nullptr ? path : "/usr/sbin:/usr/bin:/sbin:/bin", ':')) {
    const std::string candidate = std::string(directory) + "/" + program;
    if (candidate.starts_with('/') && ::access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

Result<std::string> output_of(const std::vector<std::string>& words, Deadline deadline, std::string_view input) {
  const Fd question = XC_TRY(file_of(input));
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail_errno(Kind::kernel, "pipe", errno);
  const Fd reading(ends[0]);
  Fd writing(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return fail_errno(Kind::kernel, "fork", errno);
  if (child == 0) become(words, question.get(), writing.get());
  writing.reset();
  auto text = collect(reading, deadline);
  if (!text) ::kill(child, SIGKILL);
  const int status = reap(child);
  if (!text) return text;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return text;
  return fail(Kind::kernel, WIFEXITED(status) ? "it ends with code " + text::number(WEXITSTATUS(status))
                                              : "it is ended by signal " + text::number(WTERMSIG(status)));
}

}  // namespace xc::sys
