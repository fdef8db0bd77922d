// The reading child: what it answers, what it may not do, and what its parent believes of it. Forks; needs no root.
#include "reader/reader.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fstream>
#include <functional>
#include <sstream>

#include "base/pack.h"
#include "reader/child.h"

namespace xc::reader {
namespace {

constexpr const char* one_service = R"({"services":{"required":[{"name":"api","target":"/run/api"}]}})";

Reader started() {
  auto reader = Reader::start();
  EXPECT_TRUE(reader) << (reader ? "" : reader.error().text);
  return *std::move(reader);
}

TEST(Reader, AnswersForEveryKindOfDocument) {
  Reader reader = started();
  const auto run = reader.run(one_service, "run.json");
  ASSERT_TRUE(run) << run.error().text;
  EXPECT_EQ(run->requirements.at(0).targets.at(0), "/run/api");
  EXPECT_EQ(run->requirements.at(0).where, "run.json: /services/required/0");
  const auto args = reader.args(R"({"PV_SERVICES_OPTIONAL":[{"name":"a"}]})", "args.json");
  ASSERT_TRUE(args) << args.error().text;
  EXPECT_FALSE(args->requirements.at(0).required);
  const auto services =
      reader.services(R"([{"name":"a","type":"rest","socket":"/s"},{"type":"tcp"}])", "services.json");
  ASSERT_TRUE(services) << services.error().text;
  EXPECT_EQ(services->offers.size(), 1U);
  EXPECT_EQ(services->warnings.size(), 1U);
  const auto policy = reader.policy(R"({"allow":[{"consumer":"*","service":"*","roles":["any"]}]})", "p.json");
  ASSERT_TRUE(policy) << policy.error().text;
  EXPECT_TRUE(policy->present);
  const auto state = reader.state(R"({"id":"web","status":"creating","pid":7,"bundle":"/b"})");
  ASSERT_TRUE(state) << state.error().text;
  EXPECT_EQ(state->pid, 7);
  const auto config = reader.config(R"({"root":{"path":"rootfs"}})", "config.json");
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ(config->root_path, "rootfs");
}

TEST(Reader, PassesOnTheParsersSentenceAndGoesOn) {
  Reader reader = started();
  const auto bad = reader.run("{\"a\":1,\"a\":2}", "run.json");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().text, "run.json:1:8: duplicate key \"a\"");
  EXPECT_EQ(bad.error().kind, Kind::manifest);
  EXPECT_TRUE(reader.run(one_service, "run.json"));
}

TEST(Reader, ReadsAConfigurationAtItsLimit) {
  Reader reader = started();
  std::string text = R"({"root":{"path":"a"},"process":{"env":[)";
  for (int i = 0; i < 2000; ++i)
    text += (i == 0 ? "\"A" : ",\"A") + std::to_string(i) + "=" + std::string(400, 'x') + "\"";
  text += "]}}";
  ASSERT_LT(text.size(), 1048576U);
  text += std::string(1048576 - text.size(), ' ');
  const auto config = reader.config(text, "config.json");
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ(config->env.size(), 2000U);
  EXPECT_EQ(reader.config(text + " ", "config.json").error().text,
            "config.json: is larger than the 1048576 bytes allowed");
}

TEST(Reader, HasMemoryForAsManyValuesAsAreAllowed) {
  Reader reader = started();
  std::string text = R"({"root":{"path":"a"},"x":[)";
  for (int i = 0; i < 65536 - 4; ++i) text += i == 0 ? R"({"k":[]})" : ",0";
  const auto config = reader.config(text + "]}", "config.json");
  ASSERT_FALSE(config);
  EXPECT_TRUE(config.error().text.ends_with("more than the 65536 values allowed")) << config.error().text;
  std::string keys = R"({"root":{"path":"a"})";
  for (int i = 0; i < 65000; ++i) keys += ",\"" + std::to_string(i) + "\":[]";
  EXPECT_TRUE(reader.config(keys + "}", "config.json"));
}

TEST(Reader, LeavesNoProcessBehind) {
  {
    const Reader reader = started();
  }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

/// How a confined child ends that does `act`; the signal, or -(exit status).
int fate(const std::function<void()>& act) {
  const pid_t child = ::fork();
  if (child == 0) {
    const int socket = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    if (!confine(socket)) ::_exit(99);
    act();
    ::syscall(SYS_exit_group, 0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

TEST(Confinement, LetsMemoryBeUsed) {
  EXPECT_EQ(fate([] {
              for (const std::size_t size : {100UL, 100000UL, 4UL << 20U}) {
                std::string text(size, 'a');
                text.resize(2 * size);
                if (text.back() != '\0') ::_exit(1);
              }
            }),
            0);
}

TEST(Confinement, KillsForEverythingElse) {
  const std::pair<const char*, std::function<void()>> acts[] = {
      {"open", [] { (void)::open("/etc/passwd", O_RDONLY | O_CLOEXEC); }},
      {"socket", [] { (void)::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0); }},
      {"fork", [] { (void)::fork(); }},
      {"execve", [] { (void)::execl("/bin/true", "true", nullptr); }},
      {"kill", [] { (void)::kill(::getppid(), 0); }},
      {"getpid", [] { (void)::syscall(SYS_getpid); }},
      {"mprotect", [] { (void)::mprotect(nullptr, 4096, PROT_READ | PROT_EXEC); }},
      {"executable memory",
       [] { (void)::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); }},
      {"memory of a file", [] { (void)::mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, 0, 0); }},
      {"ioctl", [] { (void)::syscall(SYS_ioctl, 0, 0x5413, nullptr); }},
      {"dup", [] { (void)::syscall(SYS_dup, 0); }},
      {"sendmsg", [] { (void)::syscall(SYS_sendmsg, 0, nullptr, 0); }},
  };
  for (const auto& [name, act] : acts) EXPECT_EQ(fate(act), SIGSYS) << name;
}

TEST(Confinement, HoldsNoDescriptorButTheSocket) {
  const int stray = ::open("/dev/null", O_RDWR);  // not CLOEXEC on purpose, as an engine may leave it
  ASSERT_GE(stray, 3);
  std::array<char, 1> byte{};
  for (const int number : {1, 2, stray})
    EXPECT_EQ(fate([&] { ::_exit(::write(number, byte.data(), 1) < 0 && errno == EBADF ? 7 : 1); }), -7) << number;
  EXPECT_EQ(fate([&] { ::_exit(::write(0, byte.data(), 1) == 1 ? 7 : 1); }), -7);
  ::close(stray);
}

TEST(Confinement, LeavesNoPrivilege) {
  std::array<int, 2> pair{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    if (!confine(pair[1])) ::_exit(99);
    serve();
  }
  const Reader owner{Fd(pair[0]), child};
  ::close(pair[1]);
  std::string status;
  for (int i = 0; i < 6000 && status.find("Seccomp:\t2") == std::string::npos; ++i) {
    ::usleep(10000);
    std::ostringstream text;
    text << std::ifstream("/proc/" + std::to_string(child) + "/status").rdbuf();
    status = text.str();
  }
  for (const char* line : {"CapBnd:\t0000000000000000", "CapInh:\t0000000000000000", "CapPrm:\t0000000000000000",
                           "CapEff:\t0000000000000000", "CapAmb:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2"})
    EXPECT_NE(status.find(line), std::string::npos) << line << "\n" << status;
  struct stat entry{};
  ASSERT_EQ(::stat(("/proc/" + std::to_string(child) + "/fd").c_str(), &entry), 0);
  EXPECT_EQ(entry.st_uid, 0U);  // not dumpable: its /proc entries are root's, whoever runs it
}

/// A reader whose child does `act` with its end instead of serving.
Reader with_child(const std::function<void(int)>& act) {
  std::array<int, 2> pair{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(pair[0]);
    act(pair[1]);
    ::_exit(0);
  }
  ::close(pair[1]);
  return {Fd(pair[0]), child};
}

/// Waits for a request and sends `bytes`, with or without a true length in front.
void send_back(int socket, const std::string& bytes, std::uint32_t announced) {
  std::array<char, 4096> request{};
  (void)!::read(socket, request.data(), request.size());
  std::string frame(sizeof announced, '\0');
  std::memcpy(frame.data(), &announced, sizeof announced);
  frame += bytes;
  (void)!::write(socket, frame.data(), frame.size());
}
void send_back(int socket, const std::string& bytes) {
  send_back(socket, bytes, static_cast<std::uint32_t>(bytes.size()));
}

std::string refusal(Reader& reader) {
  const auto run = reader.run(one_service, "run.json");
  EXPECT_FALSE(run);
  return run ? "" : run.error().text;
}
std::string refusal_of(const std::function<void(int)>& act) {
  Reader reader = with_child(act);
  const std::string first = refusal(reader);
  EXPECT_EQ(refusal(reader), "run.json: the reading process is gone");
  return first;
}

TEST(Reader, SaysHowItsChildDied) {
  EXPECT_EQ(refusal_of([](int) { ::kill(::getpid(), SIGKILL); }),
            "run.json: the reading process was killed by SIGKILL");
  EXPECT_EQ(refusal_of([](int socket) {
              if (confine(socket)) (void)::open("/", O_RDONLY | O_CLOEXEC);
            }),
            "run.json: the reading process was killed by SIGSYS");
  EXPECT_EQ(refusal_of([](int) {}), "run.json: the reading process ended by itself");
}

std::chrono::steady_clock::duration time_for_two_that_say_nothing() {
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(refusal_of([](int) { ::sleep(30); }), "run.json: the reading process did not answer within two seconds");
  EXPECT_EQ(refusal_of([](int socket) {  // a drip of bytes does not buy time
              send_back(socket, "", 1000);
              for (;;) {
                (void)!::write(socket, "x", 1);
                ::usleep(50000);
              }
            }),
            "run.json: the reading process did not answer within two seconds");
  return std::chrono::steady_clock::now() - before;
}

TEST(Reader, WaitsTwoSecondsAndNoLonger) {
  bool no_longer = false;
  for (int i = 0; i < 5 && !no_longer; ++i) {  // a busy machine is late now and then, and not each time
    const auto took = time_for_two_that_say_nothing();
    EXPECT_GE(took, std::chrono::milliseconds(3990));
    no_longer = took < std::chrono::seconds(5);
  }
  EXPECT_TRUE(no_longer);
}

TEST(Reader, TakesASilentChildForLateAndNotForAWrongDocument) {
  Reader reader = with_child([](int) { ::sleep(30); });
  const auto late = reader.run("{}", "run.json");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().kind, Kind::again);
  EXPECT_EQ(reader.run("{}", "run.json").error().kind, Kind::manifest);
}

TEST(Reader, BoundsWhatItsChildAnnounces) {
  EXPECT_EQ(refusal_of([](int socket) { send_back(socket, "", 0xffffffffU); }),
            "run.json: the reading process announced an answer of 4294967295 bytes");
  EXPECT_EQ(refusal_of([](int socket) { send_back(socket, "", 1048577); }),
            "run.json: the reading process announced an answer of 1048577 bytes");
}

TEST(Reader, BelievesNothing) {
  EXPECT_EQ(refusal_of([](int socket) { send_back(socket, "nonsense"); }),
            "run.json: the reading process sent an answer that cannot be read");
  EXPECT_EQ(refusal_of([](int socket) { send_back(socket, pack(Answer{{}, "nonsense"})); }),
            "run.json: the reading process sent a value that cannot be read");
  EXPECT_EQ(refusal_of([](int socket) {
              model::Manifest manifest;
              manifest.requirements.emplace_back().name = "../../etc/passwd";
              send_back(socket, pack(Answer{{}, pack(manifest)}));
            }),
            "run.json: the reading process sent back a service that no document can have");
  Reader loud = with_child([](int socket) { send_back(socket, pack(Answer{"a\x1b[2J\nfake", {}})); });
  EXPECT_EQ(refusal(loud), "a\\x1b[2J\\x0afake");
}

}  // namespace
}  // namespace xc::reader
