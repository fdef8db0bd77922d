// Paths inside a root: what openat2(2) answers, and that the walk for older kernels answers the same.
#include "sys/rooted_dir.h"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <random>
#include <vector>

#include "isolated.h"
#include "sys/parent_dir.h"
#include "sys/rooted_walk.h"

namespace xc::test {
namespace {

class RootedPath : public EveryKernel {};

/// The same file, as a sentence: "device:inode" or the error's text.
std::string file_at(const Result<Fd>& found) {
  if (!found) return found.error().text;
  const auto id = sys::id_of(found->get());
  return id ? std::to_string(id->device) + ":" + std::to_string(id->inode) : id.error().text;
}

TEST_P(RootedPath, StaysInsideWhateverTheLinkSays) {
  run([](const std::string& place) {
    make_directories(place + "/root/run/nm");
    make_directories(place + "/root/var");
    make_directories(place + "/outside");
    write_text(place + "/outside/secret");
    link_to(place + "/outside", place + "/root/absolute");
    link_to("../../../../../.." + place + "/outside", place + "/root/run/climbing");
    link_to("/run", place + "/root/var/run");
    link_to("..", place + "/root/up");
    const auto root = sys::RootedDir::open(place + "/root");
    ASSERT_TRUE(root) << text_of(root);
    EXPECT_EQ(text_of(root->resolve("/absolute/secret")), "/absolute/secret: No such file or directory");
    EXPECT_EQ(text_of(root->resolve("run/climbing/secret")), "run/climbing/secret: No such file or directory");
    const std::string top = file_at(root->resolve("/"));
    for (const char* path : {"..", "/../..", "run/../../..", "up", "up/up/", "/up/..", "/.", "///"})
      EXPECT_EQ(file_at(root->resolve(path)), top) << path;
    EXPECT_EQ(file_at(root->resolve("/var/run/nm")), file_at(root->resolve("/run/nm")));
    EXPECT_EQ(text_of(root->resolve("")), ": No such file or directory");
    EXPECT_EQ(text_of(root->resolve(std::string_view("/run\0/nm", 8))), "/run\\x00/nm: a path cannot hold a zero byte");
  });
}

TEST_P(RootedPath, OpensTheLinkItselfWhenAsked) {
  run([](const std::string& place) {
    make_directories(place + "/dir");
    link_to("dir", place + "/link");
    const auto root = sys::RootedDir::open(place);
    ASSERT_TRUE(root);
    struct stat facts{};
    const auto link = root->resolve_entry("/link");
    ASSERT_TRUE(link);
    ASSERT_EQ(::fstat(link->get(), &facts), 0);
    EXPECT_TRUE(S_ISLNK(facts.st_mode));
    EXPECT_EQ(file_at(root->resolve_entry("/link/")), file_at(root->resolve("/dir"))) << "a slash asks for a directory";
  });
}

TEST_P(RootedPath, RefusesLinksOfProcfsToObjects) {
  run([](const std::string& place) {
    make_directories(place + "/proc");
    ASSERT_EQ(::mount("none", (place + "/proc").c_str(), "proc", 0, nullptr), 0);
    const auto root = sys::RootedDir::open(place);
    ASSERT_TRUE(root);
    for (const char* path :
         {"/proc/self/root/etc", "/proc/self/cwd", "/proc/self/fd/0", "/proc/self/ns/mnt", "/proc/self/exe"})
      EXPECT_EQ(text_of(root->resolve(path)), std::string(path) + ": Too many levels of symbolic links");
    EXPECT_EQ(text_of(root->resolve("/proc/self/stat")), "success") << "self and mounts are ordinary links";
    EXPECT_EQ(text_of(root->resolve("/proc/mounts")), "success");
  });
}

TEST_P(RootedPath, ErrorsSayWhereAndKeepTheErrno) {
  run([](const std::string& place) {
    write_text(place + "/file");
    const auto root = sys::RootedDir::open(place);
    const auto found = root->resolve("/file/x");
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().text, "/file/x: Not a directory");
    EXPECT_EQ(found.error().code, ENOTDIR);
    EXPECT_EQ(found.error().kind, Kind::plant);
    EXPECT_EQ(text_of(root->resolve("/\x1b[2J")), "/\\x1b[2J: No such file or directory");
    EXPECT_EQ(text_of(sys::RootedDir::open(place + "/none")), "opening " + place + "/none: No such file or directory");
    EXPECT_EQ(text_of(sys::RootedDir::from(Fd{::open((place + "/file").c_str(), O_PATH | O_CLOEXEC)})),
              "a root directory: Not a directory");
  });
}

INSTANTIATE_TEST_SUITE_P(Kernel, RootedPath, testing::Values(Lacking::nothing, Lacking::openat2), kernel_name);

/// A tree of directories, files and links of every sort below `root`, the same for the same `random`.
class RandomTree {
 public:
  RandomTree(std::string root, unsigned seed) : root_(std::move(root)), random_(seed) {
    make_directories(root_);
    for (int i = 0; i < 40; ++i) grow();
  }
  /// A path that often leads somewhere.
  std::string path() {
    std::string made = pick(3) == 0 ? "/" : "";
    if (pick(3) != 0) made += known_[pick(known_.size())];
    for (std::size_t more = pick(4); more > 0; --more) made += "/" + component();
    if (pick(5) == 0) made += "/";
    return made;
  }

 private:
  std::size_t pick(std::size_t count) { return random_() % count; }
  std::string component() {
    static const std::array<const char*, 9> some = {"..", ".", "", "a", "b", "c", "d", "..", "none"};
    return some[pick(some.size())];
  }
  void grow() {
    const std::string parent = known_[pick(known_.size())];
    const std::string name = parent + (parent.empty() ? "" : "/") + static_cast<char>('a' + static_cast<char>(pick(4)));
    const std::string whole = root_ + "/" + name;
    const std::size_t sort = pick(10);
    const int done = sort < 5   ? ::mkdir(whole.c_str(), 0755)
                     : sort < 9 ? ::symlink(path().append(".").c_str(), whole.c_str())
                                : ::mknod(whole.c_str(), S_IFREG | 0644, 0);
    if (done == 0) known_.push_back(name);
  }

  std::string root_;
  std::minstd_rand random_;
  std::vector<std::string> known_ = {""};
};

/// What openat2 says beside what the walk says.
void compare(const sys::RootedDir& root, const std::string& path) {
  for (const auto last : {sys::LastLink::follow, sys::LastLink::keep}) {
    const auto kernel = last == sys::LastLink::follow ? root.resolve(path) : root.resolve_entry(path);
    auto walked = sys::walk_in_root(root.get(), path, last);
    ASSERT_EQ(kernel ? 0 : kernel.error().code, walked ? 0 : walked.error()) << path;
    if (!kernel) continue;
    ASSERT_EQ(file_at(kernel), file_at(Result<Fd>(std::move(*walked)))) << path;
  }
}

TEST(RootedWalk, AnswersAsTheKernelOnRandomTrees) {
  isolated([](const std::string& place) {
    int found = 0;
    for (unsigned seed = 1; seed <= 60; ++seed) {
      const std::string top = place + "/" + std::to_string(seed);
      RandomTree tree(top, seed);
      const auto root = sys::RootedDir::open(top);
      ASSERT_TRUE(root);
      for (int i = 0; i < 500 && !testing::Test::HasFailure(); ++i) {
        const std::string path = tree.path();
        compare(*root, path);
        if (root->resolve(path)) ++found;
      }
    }
    EXPECT_GT(found, 3000) << "the paths must lead somewhere often enough for the comparison to mean something";
    EXPECT_LT(found, 27000);
  });
}

TEST(RootedWalk, AnswersAsTheKernelAtTheEdges) {
  isolated([](const std::string& place) {
    make_directories(place + "/dir/deep");
    write_text(place + "/file");
    for (int i = 0; i <= 45; ++i)
      link_to(i == 0 ? "dir" : "chain" + std::to_string(i - 1), place + "/chain" + std::to_string(i));
    link_to("loop2", place + "/loop1");
    link_to("loop1", place + "/loop2");
    link_to("dir/", place + "/slashed");
    link_to("file/", place + "/bad");
    link_to(std::string(4000, '/') + "dir", place + "/long");
    link_to("/", place + "/top");
    const auto root = sys::RootedDir::open(place);
    ASSERT_TRUE(root);
    std::vector<std::string> paths = {"loop1",
                                      "loop1/x",
                                      "slashed",
                                      "slashed/deep",
                                      "bad",
                                      "long",
                                      "long/deep",
                                      "top",
                                      "top/top/dir",
                                      "file/",
                                      "file/.",
                                      "file/..",
                                      "dir/.",
                                      "dir/..",
                                      "dir/none/..",
                                      "",
                                      "/",
                                      "//",
                                      ".",
                                      "./",
                                      "..",
                                      "../",
                                      std::string(255, 'n'),
                                      std::string(256, 'n'),
                                      "top/" + std::string(256, 'n')};
    for (int i = 38; i <= 45; ++i) paths.push_back("chain" + std::to_string(i));
    for (int i = 38; i <= 45; ++i) paths.push_back("chain" + std::to_string(i) + "/deep");
    for (const std::size_t size : {4094U, 4095U, 4096U, 4097U}) paths.push_back(std::string(size, '/'));
    std::string dots;
    while (dots.size() < 4090) dots += "./";
    paths.push_back(dots);
    for (const std::string& path : paths) compare(*root, path);
  });
}

TEST(RootedDir, GivesUpAfter128RetriesOfAPathThatKeepsChanging) {
  isolated([](const std::string& place) {
    const auto root = sys::RootedDir::open(place);
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    ASSERT_EQ(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAGAIN), SCMP_SYS(openat2), 0), 0);
    ASSERT_EQ(seccomp_load(filter), 0);
    seccomp_release(filter);
    EXPECT_EQ(text_of(root->resolve("/x")), "/x: directories were renamed or mounted under it all through 128 retries");
  });
}

}  // namespace
}  // namespace xc::test
