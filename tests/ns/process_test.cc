// Processes held by descriptor, children under a deadline, and inherited descriptors.
#include "sys/process.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>

#include "box.h"
#include "isolated.h"
#include "sys/child.h"
#include "sys/descriptors.h"
#include "sys/small_file.h"

namespace xc::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// A child that waits until the object's end.
class Sleeper {
 public:
  Sleeper() : pid_(::fork()) {
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      while (true) ::pause();
    }
  }
  ~Sleeper() { end(); }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;
  [[nodiscard]] pid_t pid() const { return pid_; }
  void kill_only() const { ::kill(pid_, SIGKILL); }
  void end() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_;
};

TEST(ProcessStat, IsReadBehindTheLastParenthesis) {
  const std::string tail = " S 1 1 1 0 -1 4194560 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0\n";
  for (const char* name :
       {"sh", "a) R 9 9", "(((", ")))", "two\nlines", "", ") Z 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 0 0 0 0 99 "}) {
    const auto stat = sys::parse_stat("12 (" + std::string(name) + ")" + tail);
    ASSERT_TRUE(stat) << name << ": " << text_of(stat);
    EXPECT_EQ(stat->state, 'S') << name;
    EXPECT_EQ(stat->start_time, 4711U) << name;
  }
  for (const char* wrong :
       {"", "12", "12 (sh", "12 (sh)", "12 (sh) S 1 2", "12 (sh) SS 1 1 1 0 -1 1 0 0 0 0 0 0 0 0 20 0 1 0 4711"})
    EXPECT_EQ(text_of(sys::parse_stat(wrong)), "stat: not as proc(5) says") << wrong;
}

class Processes : public EveryKernel {};

TEST_P(Processes, AreAliveUntilTheyEndEvenBeforeTheyAreReaped) {
  run([](const std::string&) {
    const auto proc = sys::Proc::open();
    Sleeper sleeper;
    const auto process = sys::open_process(*proc, sleeper.pid());
    ASSERT_TRUE(process) << text_of(process);
    EXPECT_GT(process->start_time, 0U);
    EXPECT_TRUE(*sys::is_alive(*process));
    sleeper.kill_only();
    siginfo_t info{};
    ASSERT_EQ(::waitid(P_PID, static_cast<id_t>(sleeper.pid()), &info, WEXITED | WNOWAIT), 0);
    EXPECT_FALSE(*sys::is_alive(*process)) << "a zombie has ended";
    EXPECT_EQ(text_of(sys::open_process(*proc, sleeper.pid())),
              "process " + std::to_string(sleeper.pid()) + ": No such process");
    sleeper.end();
    EXPECT_FALSE(*sys::is_alive(*process));
    EXPECT_TRUE(sys::signal_process(*process, SIGKILL)) << "nobody to signal is no error";
    EXPECT_EQ(text_of(sys::open_process(*proc, 0)), "process 0: not a process number");
  });
}

/// Forks until a child has the number `wanted`; needs a pid namespace of its own, where numbers can be chosen.
pid_t fork_as(pid_t wanted) {
  const Fd last{::open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC)};
  const std::string before = std::to_string(wanted - 1);
  EXPECT_EQ(::write(last.get(), before.data(), before.size()), std::ssize(before));
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (true) ::pause();
  }
  return child;
}

TEST_P(Processes, AreNotMistakenForAnotherWithTheSameNumber) {
  run([](const std::string& place) {
    ASSERT_EQ(::unshare(CLONE_NEWPID), 0);
    const pid_t inner = ::fork();
    if (inner == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      make_directories(place);
      EXPECT_EQ(::mount("none", "/proc", "proc", 0, nullptr), 0);
      const auto proc = sys::Proc::open();
      const pid_t first = fork_as(300);
      EXPECT_EQ(first, 300);
      const auto process = sys::open_process(*proc, first);
      EXPECT_TRUE(process) << text_of(process);
      EXPECT_TRUE(sys::find_process(*proc, first, process->start_time)->has_value());
      const auto identity = sys::identity_of(process->pidfd);
      EXPECT_EQ(sys::identity_of(sys::open_pidfd(first)), identity);
      ::kill(first, SIGKILL);
      ::waitpid(first, nullptr, 0);
      EXPECT_FALSE(sys::find_process(*proc, first, process->start_time)->has_value()) << "nobody has the number";
      ::usleep(30'000);  // a clock tick is 10 ms: the next process starts at another one
      const pid_t decoy = fork_as(300);
      EXPECT_EQ(decoy, 300) << "the decoy must have the number for this test to mean something";
      EXPECT_FALSE(*sys::is_alive(*process));
      EXPECT_TRUE(!identity || sys::identity_of(sys::open_pidfd(decoy)) != identity);
      EXPECT_FALSE(sys::find_process(*proc, decoy, process->start_time)->has_value());
      EXPECT_TRUE(sys::signal_process(*process, SIGKILL));
      EXPECT_EQ(text_of(sys::read_file(process->dir.get(), "stat", 8192)), "opening stat: No such process");
      EXPECT_EQ(::waitpid(decoy, nullptr, WNOHANG), 0) << "the decoy lives";
      ::kill(decoy, SIGKILL);
      ::waitpid(decoy, nullptr, 0);
      std::fflush(nullptr);
      ::_exit(testing::Test::HasFailure() ? 1 : 0);
    }
    int status = -1;
    EXPECT_EQ(::waitpid(inner, &status, 0), inner);
    EXPECT_EQ(status, 0);
  });
}

TEST_P(Processes, RunAChildThatAnswersWithBytesAndDescriptors) {
  run([](const std::string& place) {
    write_text(place + "/file", "contents");
    const std::string much(500'000, 'x');
    const auto answer = sys::run_child(
        [&]() -> Result<sys::Answer> {
          sys::Answer made{much};
          made.descriptors.emplace_back(::open((place + "/file").c_str(), O_RDONLY | O_CLOEXEC));
          return made;
        },
        soon());
    ASSERT_TRUE(answer) << text_of(answer);
    EXPECT_EQ(answer->bytes, much);
    ASSERT_EQ(answer->descriptors.size(), 1U);
    std::array<char, 16> buffer{};
    EXPECT_EQ(::read(answer->descriptors[0].get(), buffer.data(), buffer.size()), 8);
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "nobody is left to be reaped";
  });
}

TEST_P(Processes, HandBackTheErrorOfAChildAsItWas) {
  run([](const std::string&) {
    const auto answer =
        sys::run_child([]() -> Result<sys::Answer> { return fail_errno(Kind::plant, "/run/x", EROFS); }, soon());
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().text, "/run/x: Read-only file system");
    EXPECT_EQ(answer.error().code, EROFS);
    EXPECT_EQ(answer.error().kind, Kind::plant);
  });
}

TEST_P(Processes, GiveUpAChildAtItsDeadline) {
  run([](const std::string&) {
    const auto give_up = [] {
      const auto start = steady_clock::now();
      const auto hung = sys::run_child(
          []() -> Result<sys::Answer> {
            while (true) ::pause();
          },
          start + milliseconds(100));
      EXPECT_EQ(text_of(hung), "the work did not end before its deadline; it was given up");
      EXPECT_EQ(hung.error().kind, Kind::again);
      EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "it was killed and reaped";
      return steady_clock::now() - start;
    };
    bool prompt = false;
    for (int i = 0; i < 10 && !prompt; ++i) prompt = give_up() < milliseconds(1000);
    EXPECT_TRUE(prompt) << "a busy machine is late now and then, and not each time";
  });
}

TEST_P(Processes, GiveUpAChildThatClosedItsEndAndHangs) {
  run([](const std::string&) {
    const auto hung = sys::run_child(
        []() -> Result<sys::Answer> {
          for (int number = 3; number < 64; ++number) ::close(number);
          while (true) ::pause();
        },
        steady_clock::now() + milliseconds(100));
    EXPECT_EQ(text_of(hung), "the work did not end before its deadline; it was given up");
    EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  });
}

TEST_P(Processes, SayHowAChildDied) {
  run([](const std::string&) {
    const auto killed = sys::run_child(
        []() -> Result<sys::Answer> {
          ::raise(SIGKILL);
          return sys::Answer{};
        },
        soon());
    EXPECT_EQ(text_of(killed), "a child of ours was ended by signal 9 (SIGKILL)");
    const auto left = sys::run_child([]() -> Result<sys::Answer> { ::_exit(3); }, soon());
    EXPECT_EQ(text_of(left), "a child of ours ended with code 3");
    const auto silent = sys::run_child([]() -> Result<sys::Answer> { ::_exit(0); }, soon());
    EXPECT_EQ(text_of(silent), "a message between our own processes is malformed") << "a good end is no answer";
    const auto flood =
        sys::run_child([]() -> Result<sys::Answer> { return sys::Answer{std::string(2'000'000, 'x')}; }, soon());
    EXPECT_EQ(text_of(flood), "a child of ours answered with too much");
  });
}

TEST(RunChild, DiesWithItsParent) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    (void)sys::run_child(
        [&]() -> Result<sys::Answer> {
          (void)!::write(ends[1], "x", 1);
          ::alarm(60);  // an end of its own, should the kernel's signal not come
          while (true) ::pause();
        },
        soon());
    ::_exit(0);
  }
  ::close(ends[1]);
  char byte = 0;
  ASSERT_EQ(::read(ends[0], &byte, 1), 1) << "the grandchild runs";
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  const auto start = steady_clock::now();
  EXPECT_EQ(::read(ends[0], &byte, 1), 0) << "the last writer is gone";
  EXPECT_LT(steady_clock::now() - start, milliseconds(20'000));
  ::close(ends[0]);
}

TEST_P(Processes, CloseEveryInheritedDescriptorFromANumberOn) {
  run([](const std::string&) {
    const int high = ::fcntl(0, F_DUPFD, 900);
    std::array<int, 40> numbers{};
    for (int& number : numbers) number = ::dup(0);
    ASSERT_TRUE(sys::close_from(static_cast<unsigned>(numbers[7])));
    for (int number = 0; number < 1024; ++number) {
      const bool kept = number < numbers[7];
      EXPECT_EQ(::fcntl(number, F_GETFD) >= 0, kept) << number << " (one was " << high << ")";
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Kernel, Processes, testing::Values(Lacking::nothing, Lacking::pidfd, Lacking::close_range),
                         kernel_name);

}  // namespace
}  // namespace xc::test
