// Our own control group, in every layout of hierarchies: entered, limited, and gone afterwards.
#include "sys/cgroup.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "isolated.h"
#include "sys/cgroup_paths.h"
#include "sys/peer.h"
#include "sys/process.h"
#include "sys/small_file.h"

namespace xc::test {
namespace {

TEST(CgroupPaths, AreReadAndComparedByComponent) {
  const auto groups = sys::parse_cgroups("9:name=systemd:/\n4:memory:/a/b:c\n2:cpu,cpuacct:/x\n0::/v2\n");
  ASSERT_TRUE(groups) << text_of(groups);
  ASSERT_EQ(groups->size(), 4U);
  EXPECT_EQ((*groups)[1].path, "/a/b:c");
  EXPECT_EQ((*groups)[2].controllers, "cpu,cpuacct");
  EXPECT_EQ((*groups)[3].controllers, "");
  for (const char* wrong : {"x", "1:2", "1:memory:relative", "1:memory:"})
    EXPECT_EQ(text_of(sys::parse_cgroups(wrong)), "cgroup: not as cgroups(7) says: " + std::string(wrong));
  EXPECT_TRUE(sys::lies_in("/a/b", "/a"));
  EXPECT_TRUE(sys::lies_in("/a", "/a"));
  EXPECT_TRUE(sys::lies_in("/a", "/"));
  EXPECT_FALSE(sys::lies_in("/ab", "/a"));
  EXPECT_FALSE(sys::lies_in("/", "/a"));
}

std::string wanted(const std::string& cgroups, const std::string& mountinfo) {
  const auto mounts = sys::parse_mountinfo(mountinfo);
  EXPECT_TRUE(mounts) << text_of(mounts);
  const auto found = sys::hierarchies_to_enter(cgroups, *mounts);
  if (!found) return found.error().text;
  std::string all;
  for (const auto& hierarchy : *found) all += hierarchy.point + " ";
  return all;
}

TEST(Hierarchies, AreChosenInEveryLayout) {
  const std::string v1 =
      "1 0 0:1 / /cg/memory rw - cgroup cgroup rw,memory\n2 0 0:2 / /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
      "3 0 0:3 / /cg/systemd rw - cgroup cgroup rw,xattr,name=systemd\n4 0 0:4 / /cg/freezer rw - cgroup cgroup "
      "rw,freezer\n";
  const std::string unified = "5 0 0:5 / /cg/unified rw - cgroup2 cgroup2 rw\n";
  const std::string idle = "9:name=systemd:/\n4:memory:/\n2:cpu,cpuacct:/\n3:freezer:/\n";
  const std::string lxc = "9:name=systemd:/m\n4:memory:/m\n2:cpu,cpuacct:/m\n3:freezer:/m\n";
  EXPECT_EQ(wanted(idle, v1), "/cg/memory ");
  EXPECT_EQ(wanted(lxc, v1), "/cg/systemd /cg/memory /cg/cpu /cg/freezer ");
  EXPECT_EQ(wanted(idle + "0::/\n", v1 + unified), "/cg/memory /cg/unified ");
  EXPECT_EQ(wanted("0::/user.slice\n", unified), "/cg/unified ");
  EXPECT_EQ(wanted(lxc, unified), "") << "a hierarchy that is not mounted cannot be entered";
  EXPECT_EQ(wanted("0::/\n", "6 0 0:5 /sub /elsewhere rw - cgroup2 cgroup2 rw\n" + unified), "/cg/unified ")
      << "the mount that shows the hierarchy from its root is taken";
}

/// Which control groups there are for a test. Only in a mount namespace of its own.
enum class Layout { as_it_is, only_v2, only_v1 };

std::string name_of(const testing::TestParamInfo<Layout>& info) {
  return info.param == Layout::as_it_is ? "AsItIs" : info.param == Layout::only_v2 ? "OnlyV2" : "OnlyV1";
}

void arrange(Layout layout) {
  if (layout == Layout::only_v1) (void)::umount2("/sys/fs/cgroup/unified", MNT_DETACH);
  if (layout != Layout::only_v2) return;
  (void)::umount2("/sys/fs/cgroup", MNT_DETACH);
  ASSERT_EQ(::mount("none", "/sys/fs/cgroup", "cgroup2", 0, nullptr), 0);
}

std::string own_cgroups() {
  const auto text = sys::read_file(AT_FDCWD, "/proc/self/cgroup", 65536);
  return text ? *text : text.error().text;
}

std::vector<sys::Hierarchy> all_hierarchies() {
  const auto proc = sys::Proc::open();
  const auto mounts = sys::read_mounts(*proc, "self");
  std::string every;
  const auto groups = sys::parse_cgroups(own_cgroups());
  for (const auto& group : *groups) every += "1:" + group.controllers + ":/not/root\n";
  const auto found = sys::hierarchies_to_enter(every, *mounts);
  return found ? *found : std::vector<sys::Hierarchy>{};
}

/// A new cpuset group of v1 has nothing, and takes nobody in.
void fill_cpuset(const std::string& above, const std::string& path) {
  for (const std::string file : {"/cpuset.cpus", "/cpuset.mems"}) {
    const auto all = sys::read_file(AT_FDCWD, above + file, 4096);
    EXPECT_TRUE(all && sys::write_file(AT_FDCWD, path + file, *all)) << path;
  }
}

/// The process in a group of its own in every hierarchy, as LXC's monitor is; removed at the end.
class EngineGroup {
 public:
  explicit EngineGroup(std::string name) : name_(std::move(name)) {
    for (const auto& hierarchy : all_hierarchies()) {
      const std::string path = hierarchy.point + "/" + name_;
      EXPECT_EQ(::mkdir(path.c_str(), 0755), 0) << path;
      if (hierarchy.controllers == "cpuset") fill_cpuset(hierarchy.point, path);
      const auto joined = sys::write_file(AT_FDCWD, path + "/cgroup.procs", "0");
      EXPECT_TRUE(joined) << text_of(joined);
      paths_.push_back(path);
    }
  }
  /// Removes the groups; how many could not be, because somebody is in them.
  int remove() {
    int busy = 0;
    for (const auto& path : paths_)
      if (::rmdir(path.c_str()) != 0) ++busy;
    paths_.clear();
    return busy;
  }
  ~EngineGroup() {
    for (const auto& path : paths_) (void)sys::write_file(AT_FDCWD, path + "/../cgroup.procs", "0");
    remove();
  }
  EngineGroup(const EngineGroup&) = delete;
  EngineGroup& operator=(const EngineGroup&) = delete;
  [[nodiscard]] std::size_t count() const { return paths_.size(); }

 private:
  std::string name_;
  std::vector<std::string> paths_;
};

class OwnGroup : public testing::TestWithParam<Layout> {};

TEST_P(OwnGroup, IsEnteredLimitedAndLeavesNothing) {
  const Layout layout = GetParam();
  isolated([layout](const std::string&) {
    arrange(layout);
    const std::string name = "xc-test-" + std::to_string(::getpid());
    const auto proc = sys::Proc::open();
    const auto own = sys::OwnCgroup::enter(*proc, name);
    ASSERT_TRUE(own) << text_of(own);
    EXPECT_NE(own_cgroups().find("/xconnect/" + name + "\n"), std::string::npos) << own_cgroups();
    const auto complaint = own->limit_memory(8U << 20U);
    EXPECT_TRUE(layout != Layout::only_v1 || !complaint);
    EXPECT_TRUE(!complaint || complaint->starts_with("memory is not limited: ")) << *complaint;
    if (layout == Layout::only_v1) {
      const auto limit =
          sys::read_file(AT_FDCWD, "/sys/fs/cgroup/memory/xconnect/" + name + "/memory.limit_in_bytes", 100);
      EXPECT_EQ(limit ? *limit : limit.error().text, "8388608\n");
    }
    const auto again = sys::OwnCgroup::enter(*proc, name);
    EXPECT_TRUE(again) << "a leftover is used: " << text_of(again);
    const auto left = own->leave_and_remove();
    EXPECT_TRUE(left) << text_of(left);
    EXPECT_EQ(own_cgroups().find(name), std::string::npos) << own_cgroups();
    for (const auto& hierarchy : all_hierarchies())
      EXPECT_NE(::access((hierarchy.point + "/xconnect/" + name).c_str(), F_OK), 0);
    EXPECT_TRUE(own->leave_and_remove()) << "a second time does nothing";
  });
}

TEST_P(OwnGroup, LetsTheEnginesGroupBeRemoved) {
  const Layout layout = GetParam();
  isolated([layout](const std::string&) {
    arrange(layout);
    const std::string name = "xc-test-" + std::to_string(::getpid());
    EngineGroup engine(name + "-engine");
    ASSERT_GE(engine.count(), 1U);
    const auto proc = sys::Proc::open();
    const auto own = sys::OwnCgroup::enter(*proc, name);
    ASSERT_TRUE(own) << text_of(own);
    EXPECT_EQ(engine.remove(), 0) << own_cgroups();
    const auto left = own->leave_and_remove();
    EXPECT_TRUE(left) << text_of(left);
  });
}

TEST_P(OwnGroup, StaysWhenSomebodyElseIsInItAndSaysSo) {
  const Layout layout = GetParam();
  isolated([layout](const std::string&) {
    arrange(layout);
    const std::string name = "xc-test-" + std::to_string(::getpid());
    const auto proc = sys::Proc::open();
    const auto own = sys::OwnCgroup::enter(*proc, name);
    ASSERT_TRUE(own) << text_of(own);
    const pid_t other = ::fork();
    if (other == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      while (true) ::pause();
    }
    const std::string text = text_of(own->leave_and_remove());
    EXPECT_NE(text.find("removing the cgroup xconnect/" + name + ": Device or resource busy"), std::string::npos)
        << text;
    ::kill(other, SIGKILL);
    ::waitpid(other, nullptr, 0);
    EXPECT_TRUE(own->leave_and_remove());
  });
}

TEST_P(OwnGroup, DecidesWhoBelongsWhereThePidNamespaceIsShared) {
  const Layout layout = GetParam();
  isolated([layout](const std::string&) {
    arrange(layout);
    const auto sleeper = [] {
      const pid_t child = ::fork();
      if (child != 0) return child;
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      while (true) ::pause();
    };
    const pid_t stranger = sleeper();
    EngineGroup group("xc-test-" + std::to_string(::getpid()) + "-container");
    const pid_t init = sleeper();
    const pid_t peer = sleeper();
    for (const auto& hierarchy : all_hierarchies())
      EXPECT_TRUE(sys::write_file(AT_FDCWD, hierarchy.point + "/cgroup.procs", "0"));
    const auto proc = sys::Proc::open();
    const auto open = [&](pid_t pid) { return sys::open_process(*proc, pid); };
    EXPECT_TRUE(*sys::belongs_to(*proc, *open(peer), *open(init)));
    EXPECT_FALSE(*sys::belongs_to(*proc, *open(stranger), *open(init)));
    for (const pid_t pid : {stranger, init, peer}) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
    EXPECT_EQ(group.remove(), 0);
  });
}

INSTANTIATE_TEST_SUITE_P(Layouts, OwnGroup, testing::Values(Layout::as_it_is, Layout::only_v2, Layout::only_v1),
                         name_of);

TEST(OwnGroupName, IsOneComponent) {
  const auto proc = sys::Proc::open();
  for (const char* wrong : {"", "..", "a/b", "."})
    EXPECT_EQ(text_of(sys::OwnCgroup::enter(*proc, wrong)), "not a name for a cgroup: " + std::string(wrong));
}

}  // namespace
}  // namespace xc::test
