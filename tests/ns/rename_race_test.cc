// The race of CVE-2021-30465: a directory of the container is exchanged with a symlink to the host, again and again,
// while a hook works on it. On two processors, against openat2(2) and against the walk for older kernels.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "isolated.h"
#include "sys/parent_dir.h"
#include "sys/planted_file.h"

namespace xc::test {
namespace {

constexpr int wanted_rounds = 100'000;
constexpr auto longest = std::chrono::seconds(20);
constexpr auto patience = std::chrono::seconds(60);  // for what must happen once
constexpr long enough_exchanges = 1000;

/// Exchanges two names as fast as it can, until it is destroyed.
class Attacker {
 public:
  Attacker(std::string a, std::string b)
      : thread_([this, a = std::move(a), b = std::move(b)] {
          while (!stop_) {
            if (::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0) ++exchanges_;
          }
        }) {}
  ~Attacker() {
    stop_ = true;
    thread_.join();
  }
  Attacker(const Attacker&) = delete;
  Attacker& operator=(const Attacker&) = delete;
  [[nodiscard]] long exchanges() const { return exchanges_; }

 private:
  std::atomic<bool> stop_ = false;
  std::atomic<long> exchanges_ = 0;
  std::thread thread_;
};

struct Scene {
  explicit Scene(const std::string& place) : root(place + "/root"), outside(place + "/outside") {
    make_directories(root + "/run");
    make_directories(outside);
    link_to(outside, root + "/l");
    inner = "/run/nm/api.sock";
  }
  std::string root;
  std::string outside;
  std::string inner;
};

class RenameRace : public EveryKernel {};

TEST_P(RenameRace, NoRoundMakesAnythingOutside) {
  run([](const std::string& place) {
    const Scene scene(place);
    const auto root = sys::RootedDir::open(scene.root);
    const auto proc = sys::Proc::open();
    ASSERT_TRUE(root && proc);
    const Attacker attacker(scene.root + "/run", scene.root + "/l");
    const auto end = std::chrono::steady_clock::now() + longest;
    int rounds = 0;
    int made = 0;
    const auto tried = [&] { return attacker.exchanges() > enough_exchanges && made > rounds / 100; };
    for (; (rounds < wanted_rounds || !tried()) && std::chrono::steady_clock::now() < end; ++rounds) {
      const auto parent = sys::make_parent(*root, *proc, scene.inner, {});
      if (!parent) continue;
      ++made;
      const Fd stub{
          ::openat(parent->dir.get(), parent->name.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)};
      (void)::unlinkat(parent->dir.get(), parent->name.c_str(), 0);
      sys::remove_directories(*root, parent->made);
    }
    EXPECT_EQ(count_entries(scene.outside), 0) << "after " << rounds << " rounds";
    EXPECT_GT(made, rounds / 100) << "some rounds must come through, else nothing was tried";
    EXPECT_GT(attacker.exchanges(), enough_exchanges);
    std::printf("%d rounds, %d came through, %ld exchanges\n", rounds, made, attacker.exchanges());
  });
}

TEST_P(RenameRace, NoRoundOpensAnythingOutside) {
  run([](const std::string& place) {
    const Scene scene(place);
    write_text(scene.outside + "/secret");
    make_directories(scene.root + "/run/inside");
    const auto root = sys::RootedDir::open(scene.root);
    ASSERT_TRUE(root);
    const Attacker attacker(scene.root + "/run", scene.root + "/l");
    const auto end = std::chrono::steady_clock::now() + longest;
    int rounds = 0;
    int escapes = 0;
    int found = 0;
    const auto tried = [&] { return attacker.exchanges() > enough_exchanges && found > rounds / 100; };
    for (; (rounds < wanted_rounds || !tried()) && std::chrono::steady_clock::now() < end; ++rounds) {
      if (root->resolve("/run/../run/secret") || root->resolve("run/secret")) ++escapes;
      if (root->resolve("/run/inside/../inside")) ++found;
    }
    EXPECT_EQ(escapes, 0) << "of " << rounds << " rounds";
    EXPECT_GT(found, rounds / 100);
    EXPECT_GT(attacker.exchanges(), enough_exchanges);
    std::printf("%d rounds, %d found, %ld exchanges\n", rounds, found, attacker.exchanges());
  });
}

INSTANTIATE_TEST_SUITE_P(Kernel, RenameRace, testing::Values(Lacking::nothing, Lacking::openat2), kernel_name);

// The same attacker against the naive way, so that the tests above are known to be able to fail.
TEST(RenameRaceControl, TheNaiveWayEscapes) {
  isolated([](const std::string& place) {
    const Scene scene(place);
    const Attacker attacker(scene.root + "/run", scene.root + "/l");
    const auto end = std::chrono::steady_clock::now() + patience;
    while (count_entries(scene.outside) == 0 && std::chrono::steady_clock::now() < end) {
      const std::string path = scene.root + "/run";
      char* real = ::realpath(path.c_str(), nullptr);
      if (real != nullptr && std::string_view(real) == path) (void)::mkdir((path + "/nm").c_str(), 0755);
      std::free(real);  // NOLINT(cppcoreguidelines-no-malloc): realpath(3) gives it so
    }
    EXPECT_GT(count_entries(scene.outside), 0);
  });
}

}  // namespace
}  // namespace xc::test
