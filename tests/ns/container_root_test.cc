// Where a container's root is, who its root is, and who belongs to it.
#include "sys/container_root.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>

#include "box.h"
#include "isolated.h"
#include "sys/id_map.h"
#include "sys/mountinfo.h"
#include "sys/parent_dir.h"
#include "sys/peer.h"
#include "sys/small_file.h"

namespace xc::test {
namespace {

std::string root_of(pid_t pid, const std::string& host_path) {
  const auto proc = sys::Proc::open();
  const auto process = sys::open_process(*proc, pid);
  if (!process) return process.error().text;
  const auto root = sys::open_container_root(*proc, *process, host_path);
  if (!root) return root.error().text;
  return root->resolve("/marker") ? "the container's" : "another directory";
}

class ContainerRoot : public EveryKernel {};

TEST_P(ContainerRoot, IsTheHostPathBeforeThePivotAndSlashAfterwards) {
  run([](const std::string& place) {
    for (const bool pivoted : {false, true})
      for (const bool user : {false, true}) {
        const std::string root = place + "/c " + std::to_string(pivoted) + std::to_string(user);  // a blank is escaped
        make_directories(root);
        write_text(root + "/marker");
        ASSERT_EQ(::chown(root.c_str(), user ? 100000 : 0, user ? 100000 : 0), 0);
        const Box box(root, {.pivoted = pivoted, .user_namespace = user});
        EXPECT_EQ(root_of(box.pid(), root), "the container's");
        EXPECT_EQ(root_of(box.pid(), "") == "the container's", pivoted) << "LXC tells no path";
      }
  });
}

TEST_P(ContainerRoot, IsFoundThroughASymlinkOfTheHost) {
  run([](const std::string& place) {
    make_directories(place + "/real/c");
    write_text(place + "/real/c/marker");
    link_to(place + "/real", place + "/link");
    const Box box(place + "/real/c");
    EXPECT_EQ(root_of(box.pid(), place + "/link/c"), "the container's");
  });
}

TEST_P(ContainerRoot, IsRefusedWhenItIsNoMountPointOfTheContainer) {
  run([](const std::string& place) {
    make_directories(place + "/c/sub");
    make_directories(place + "/other");
    const Box box(place + "/c");
    const std::string end =
        ": not a mount point in the container's mount namespace, so not its root; the state document and the container "
        "do not belong together";
    for (const std::string& path : {place + "/other", place + "/c/sub", std::string("/"), std::string("/../..")})
      EXPECT_EQ(root_of(box.pid(), path), path + end);
    EXPECT_EQ(root_of(box.pid(), ""),
              "the container's root is not pivoted yet, and the engine gave no absolute path of it: ''");
    EXPECT_EQ(root_of(box.pid(), "c"),
              "the container's root is not pivoted yet, and the engine gave no absolute path of it: 'c'");
    EXPECT_EQ(root_of(box.pid(), place + "/none"),
              "the container's root: " + place + "/none: No such file or directory");
    EXPECT_EQ(root_of(::getpid(), place + "/c"),
              "process " + std::to_string(::getpid()) +
                  " shares the host's mount namespace; there is no container to plant into");
  });
}

TEST_P(ContainerRoot, IsRefusedInAChroot) {
  run([](const std::string& place) {
    make_directories(place + "/c/jail");
    const Box box(place + "/c",
                  {.prepare = [](const std::string& root) { (void)!::chroot((root + "/jail").c_str()); }});
    EXPECT_EQ(root_of(box.pid(), place + "/c"),
              "the root of process " + std::to_string(box.pid()) +
                  " is not the root of a mount (a chroot?); its paths cannot be trusted");
  });
}

INSTANTIATE_TEST_SUITE_P(Kernel, ContainerRoot, testing::Values(Lacking::nothing, Lacking::statx, Lacking::all),
                         kernel_name);

TEST(IdMap, TranslatesOnlyWhatIsMapped) {
  const auto map = sys::IdMap::parse("         0     100000       1000\n      2000          5          1\n");
  ASSERT_TRUE(map) << text_of(map);
  EXPECT_EQ(map->to_host(0), 100000U);
  EXPECT_EQ(map->to_host(999), 100999U);
  EXPECT_EQ(map->to_host(1000), std::nullopt);
  EXPECT_EQ(map->to_host(2000), 5U);
  EXPECT_EQ(map->to_host(2001), std::nullopt);
  EXPECT_EQ(sys::IdMap::parse("0 4294967295 1\n")->to_host(0), std::nullopt) << "the parent has no number for it";
  EXPECT_EQ(sys::IdMap::parse("0 4294967290 10\n")->to_host(5), std::nullopt) << "(uid_t)-1 is no id";
  EXPECT_EQ(sys::IdMap::parse("")->to_host(0), std::nullopt);
  for (const char* wrong : {"0 1", "0 1 2 3", "a b c", "-1 0 1", "0 0 4294967296"})
    EXPECT_EQ(text_of(sys::IdMap::parse(wrong)), "not as user_namespaces(7) says: " + std::string(wrong));
}

std::string owner_of(pid_t pid) {
  const auto proc = sys::Proc::open();
  const auto process = sys::open_process(*proc, pid);
  const auto spaces = sys::open_namespaces(*process);
  const auto owner = sys::owner_of_root(*proc, *process, *spaces);
  return owner ? std::to_string(owner->uid) + ":" + std::to_string(owner->gid) : owner.error().text;
}

TEST(OwnerOfRoot, IsTheMappedIdOrOurOwnInTheSameUserNamespace) {
  isolated([](const std::string& place) {
    make_directories(place + "/a");
    make_directories(place + "/b");
    ASSERT_EQ(::chown((place + "/b").c_str(), 100000, 100000), 0);
    const Box plain(place + "/a");
    const Box mapped(place + "/b", {.user_namespace = true});
    EXPECT_EQ(owner_of(plain.pid()), "0:0");
    EXPECT_EQ(owner_of(mapped.pid()), "100000:100000");
  });
}

TEST(OwnerOfRoot, IsAnErrorWhenTheRootHasNoNumberHere) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::unshare(CLONE_NEWUSER) != 0) ::_exit(1);  // no map is written
    while (true) ::pause();
  }
  std::string answer = "0:0";
  for (int i = 0; i < 60'000 && answer == "0:0"; ++i, ::usleep(1000)) answer = owner_of(child);
  EXPECT_EQ(answer, "uid_map: the container's root has no id on the host; map its id 0");
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
}

TEST(Mountinfo, ReadsEscapesAndOptionalFields) {
  const auto mounts = sys::parse_mountinfo(
      "36 35 98:0 /mnt1 /a\\040b\\011c\\134d rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n"
      "37 35 0:5 / / rw shared:2 master:9 propagate_from:1 - fuse.sshfs x:y rw\n"
      "38 35 0:6 / /x\\04 rw - tmpfs none rw\n");
  ASSERT_TRUE(mounts) << text_of(mounts);
  ASSERT_EQ(mounts->size(), 3U);
  EXPECT_EQ((*mounts)[0].point, "/a b\tc\\d");
  EXPECT_EQ((*mounts)[0].root, "/mnt1");
  EXPECT_EQ((*mounts)[0].id, 36U);
  EXPECT_EQ((*mounts)[0].peer_group, 0U);
  EXPECT_EQ((*mounts)[0].master, 1U);
  EXPECT_EQ((*mounts)[1].peer_group, 2U);
  EXPECT_EQ((*mounts)[1].master, 9U);
  EXPECT_EQ((*mounts)[1].type, "fuse.sshfs");
  EXPECT_EQ((*mounts)[2].point, "/x\\04") << "not an escape";
  for (const char* wrong : {"x", "36 35 98:0 / / rw", "36 35 98:0 / / rw -", "36 35 98:0 / / rw - ext4 none",
                            "a b c d e f - g h i", "36 35 98:0 / - ext4 none rw"})
    EXPECT_EQ(text_of(sys::parse_mountinfo(wrong)), "mountinfo line 1: not as proc(5) says") << wrong;
}

TEST(MountId, IsTheSameByStatxAndByFdinfo) {
  isolated([](const std::string& place) {
    const auto proc = sys::Proc::open();
    const Fd directory{::open(place.c_str(), O_PATH | O_CLOEXEC)};
    const auto mounts = sys::read_mounts(*proc, "self");
    ASSERT_TRUE(mounts) << text_of(mounts);
    const auto modern = sys::find_mount(*proc, *mounts, directory.get());
    ASSERT_TRUE(modern) << text_of(modern);
    ASSERT_TRUE(*modern);
    EXPECT_EQ((*modern)->point, place);
    lack(Lacking::statx);
    const auto older = sys::find_mount(*proc, *mounts, directory.get());
    ASSERT_TRUE(older) << text_of(older);
    ASSERT_TRUE(*older);
    EXPECT_EQ((*older)->id, (*modern)->id);
  });
}

TEST(Proc, IsRefusedWhenSomethingElseLiesThere) {
  isolated([](const std::string&) {
    ASSERT_TRUE(sys::Proc::open());
    ASSERT_EQ(::mount("/proc/sys", "/proc", nullptr, MS_BIND, nullptr), 0);
    EXPECT_EQ(text_of(sys::Proc::open()), "/proc is not the root of a procfs; mount one there");
    ASSERT_EQ(::mount("none", "/proc", "tmpfs", 0, nullptr), 0);
    EXPECT_EQ(text_of(sys::Proc::open()), "/proc is not the root of a procfs; mount one there");
  });
}

TEST(ActingAs, MakesFilesOfTheOwnerAndKeepsEverythingElse) {
  isolated([](const std::string& place) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    {
      const auto acting = sys::ActingAs::begin({.uid = 4242, .gid = 4343});
      ASSERT_TRUE(acting) << text_of(acting);
      write_text(place + "/file");  // in a directory of root's, 0755: needs CAP_DAC_OVERRIDE
      int signal = 0;
      ::prctl(PR_GET_PDEATHSIG, &signal);
      EXPECT_EQ(signal, SIGKILL) << "the kernel clears it on such a change";
    }
    struct stat facts{};
    ASSERT_EQ(::stat((place + "/file").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_uid, 4242U);
    EXPECT_EQ(facts.st_gid, 4343U);
    write_text(place + "/after");
    ASSERT_EQ(::stat((place + "/after").c_str(), &facts), 0);
    EXPECT_EQ(facts.st_uid, 0U);
    EXPECT_EQ(::prctl(PR_GET_SECUREBITS), 0);
  });
}

bool belongs(pid_t peer, pid_t init) {
  const auto proc = sys::Proc::open();
  const auto a = sys::open_process(*proc, peer);
  const auto b = sys::open_process(*proc, init);
  const auto answer = sys::belongs_to(*proc, *a, *b);
  EXPECT_TRUE(answer) << text_of(answer);
  return answer && *answer;
}

TEST(Peer, BelongsByItsPidNamespaceOrOneBelow) {
  isolated([](const std::string& place) {
    make_directories(place + "/a");
    make_directories(place + "/b");
    std::array<int, 2> told{};
    ASSERT_EQ(::pipe2(told.data(), O_CLOEXEC), 0);
    // Its init leaves two processes: one beside it, and one in a pid namespace below.
    const Box a(place + "/a", {.pid_namespace = true, .prepare = [&](const std::string&) {
                                 if (::fork() == 0) {
                                   (void)!::write(told[1], "b", 1);
                                   while (true) ::pause();
                                 }
                                 if (::unshare(CLONE_NEWPID) != 0 || ::fork() != 0) return;
                                 while (true) ::pause();
                               }});
    const Box b(place + "/b", {.pid_namespace = true});
    const auto children = sys::read_file(
        AT_FDCWD, "/proc/" + std::to_string(a.pid()) + "/task/" + std::to_string(a.pid()) + "/children", 4096);
    ASSERT_TRUE(children) << text_of(children);
    char* rest = nullptr;
    const auto beside = static_cast<pid_t>(std::strtol(children->c_str(), &rest, 10));
    const auto below = static_cast<pid_t>(std::strtol(rest, nullptr, 10));
    ASSERT_GT(below, 0) << *children;
    EXPECT_TRUE(belongs(a.pid(), a.pid()));
    EXPECT_TRUE(belongs(beside, a.pid()));
    EXPECT_TRUE(belongs(below, a.pid()));
    EXPECT_FALSE(belongs(b.pid(), a.pid()));
    EXPECT_FALSE(belongs(::getpid(), a.pid()));
  });
}

TEST(Peer, DoesNotBelongWithoutNamespaceAndCgroupOfItsOwn) {
  isolated([](const std::string& place) {
    make_directories(place + "/a");
    const Box a(place + "/a");
    EXPECT_FALSE(belongs(::getppid(), a.pid())) << "a container in the host's pid namespace is not everybody";
  });
}

}  // namespace
}  // namespace xc::test
