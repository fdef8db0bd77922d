// What is not planted, and the sentence that says why; nothing of the attempt is left.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>

#include "box.h"
#include "isolated.h"

namespace xc::test {
namespace {

class PlantingRefusal : public EveryKernel {};

TEST_P(PlantingRefusal, NeverLeavesTheRootWhicheverComponentIsASymlink) {
  run([](const std::string& place) {
    const Host host(place);
    const std::vector<std::string> components = {"srv", "a", "b", "c", "d"};
    for (std::size_t bad = 0; bad < components.size(); ++bad)
      for (const std::string& target : {host.outside, "../../../../../../../.." + host.outside}) {
        const std::string root = place + "/variant";
        make_directories(root);
        std::string path;
        for (std::size_t i = 0; i < bad; ++i) make_directories(root + (path += "/" + components[i]));
        link_to(target, root + path + "/" + components[bad]);
        {
          const Box box(root);
          const auto planted = box.plant("/srv/a/b/c/d/api.sock", host.file.get());
          EXPECT_NE(text_of(planted).find("a symlink that leads nowhere"), std::string::npos) << text_of(planted);
        }
        EXPECT_EQ(count_entries(host.outside), 0) << "component " << bad;
        std::filesystem::remove_all(root);
      }
  });
}

void refuse_loops_and_lengths(const Host& host, const Box& box) {
  EXPECT_EQ(text_of(box.plant("/a/api.sock", host.file.get())), "/a: Too many levels of symbolic links");
  EXPECT_EQ(text_of(box.plant("/chain40/api.sock", host.file.get())), "/chain40: Too many levels of symbolic links");
  const std::string longest = "/run/" + std::string(4096, 'x');
  EXPECT_NE(text_of(box.plant(longest, host.file.get())).find("File name too long"), std::string::npos);
  EXPECT_NE(text_of(box.plant("/run/nm/" + std::string(256, 'x'), host.file.get())).find("File name too long"),
            std::string::npos);
  const std::string middle = "/run/nm/" + std::string(256, 'x') + "/api.sock";
  EXPECT_NE(text_of(box.plant(middle, host.file.get())).find("File name too long"), std::string::npos);
}

TEST_P(PlantingRefusal, RefusesLoopsAndChainsAtOnceAndLeavesNothing) {
  run([](const std::string& place) {
    const Host host(place);
    link_to("/b", host.root + "/a");
    link_to("/a", host.root + "/b");
    make_directories(host.root + "/end");
    for (int i = 0; i <= 41; ++i)
      link_to(i == 0 ? "/end" : "/chain" + std::to_string(i - 1), host.root + "/chain" + std::to_string(i));
    const Box box(host.root);
    const auto refuse_all = [&] {
      const auto start = std::chrono::steady_clock::now();
      refuse_loops_and_lengths(host, box);
      return std::chrono::steady_clock::now() - start;
    };
    bool at_once = false;  // one of some times: a busy machine is late now and then
    for (int i = 0; i < 10 && !at_once; ++i) at_once = refuse_all() < std::chrono::milliseconds(500);
    EXPECT_TRUE(at_once);
    EXPECT_EQ(box.look("/run/nm"), "/run/nm: No such file or directory") << "what was made before the failure stays";
    // The limit is 40, but the kernel counts on when other work makes it start a lookup over, at most twice.
    const auto legal = box.plant("/chain12/api.sock", host.file.get());
    EXPECT_TRUE(legal) << "13 links are always legal: " << text_of(legal);
  });
}

TEST_P(PlantingRefusal, RefusesWhatIsNotOursToCover) {
  run([](const std::string& place) {
    const Host host(place);
    make_directories(host.root + "/srv/directory");
    write_text(host.root + "/srv/full", "x");
    write_text(host.root + "/srv/one");
    ASSERT_EQ(::link((host.root + "/srv/one").c_str(), (host.root + "/srv/two").c_str()), 0);
    write_text(host.root + "/srv/theirs");
    ASSERT_EQ(::chown((host.root + "/srv/theirs").c_str(), 1000, 1000), 0);
    link_to(host.outside + "/x", host.root + "/srv/link");
    const Box box(host.root);
    const std::string end =
        " is there already; only an empty file that belongs to the container's root may be: remove it from the image, "
        "or "
        "choose another target";
    const std::vector<std::pair<std::string, std::string>> cases = {{"directory", "a directory"},
                                                                    {"full", "a file with contents"},
                                                                    {"one", "a file with other names"},
                                                                    {"theirs", "a file of another user"},
                                                                    {"link", "a symlink"}};
    for (const auto& [name, what] : cases)
      EXPECT_EQ(text_of(box.plant("/srv/" + name, host.file.get())), "/srv/" + name + ": " + what + end);
    ASSERT_TRUE(box.plant("/srv/fresh", host.file.get()));
    EXPECT_EQ(text_of(box.plant("/srv/fresh", host.file.get())), "/srv/fresh: a socket" + end);
    EXPECT_EQ(count_entries(host.outside), 0);
  });
}

TEST_P(PlantingRefusal, RefusesPathsThatAreNotInNormalForm) {
  run([](const std::string& place) {
    const Host host(place);
    const Box box(host.root);
    EXPECT_EQ(text_of(box.plant("run/x", host.file.get())), "run/x: a target must be an absolute path");
    EXPECT_EQ(text_of(box.plant("", host.file.get())), ": a target must be an absolute path");
    for (const std::string path : {"/", "/run/../x", "/run/./x", "/run//x", "/run/x/", "/.."})
      EXPECT_EQ(text_of(box.plant(path, host.file.get())),
                path + ": a target must not hold '..', '.', '//' or end in '/'");
    EXPECT_EQ(text_of(box.plant(std::string("/run/x\0y", 8), host.file.get())),
              "/run/x\\x00y: a path cannot hold a zero byte");
  });
}

TEST_P(PlantingRefusal, RefusesFileSystemsThatAreNoPlaceForIt) {
  run([](const std::string& place) {
    const Host host(place);
    const std::vector<std::string> types = {"proc",     "sysfs",      "cgroup2", "devpts",  "mqueue",    "bpf",
                                            "devtmpfs", "securityfs", "debugfs", "tracefs", "hugetlbfs", "configfs"};
    std::vector<std::string> mounted;
    for (const auto& type : types) {
      make_directories(host.root + "/" + type);
    }
    const Box box(host.root, {.prepare = [&](const std::string& root) {
                    for (const auto& type : types)
                      (void)::mount("none", (root + "/" + type).c_str(), type.c_str(), 0, nullptr);
                  }});
    int refused = 0;
    for (const auto& type : types) {
      if (mounts_of(box.pid()).find("/" + type + " ") == std::string::npos) continue;  // not in this kernel
      for (const std::string below : {"/x.sock", "/x/y.sock"}) {
        const std::string target = "/" + type + below;
        EXPECT_EQ(
            text_of(box.plant(target, host.file.get())),
            (below == "/x.sock" ? "/" + type : "/" + type + "/x") + ": it lies on a file system of type " + type +
                ", which is no place for it; choose a target among the container's own files, such as one below /run");
      }
      ++refused;
    }
    EXPECT_GE(refused, 5) << "proc, sysfs, cgroup2, devpts and devtmpfs are in every kernel";
  });
}

/// Binds the host's volume at /volume of the container.
void bind_volume(const std::string& place, const std::string& root) {
  EXPECT_EQ(::mount((place + "/volume").c_str(), (root + "/volume").c_str(), nullptr, MS_BIND, nullptr), 0);
}

TEST_P(PlantingRefusal, RefusesAVolumeThatIsSharedWithTheHost) {
  run([](const std::string& place) {
    const Host host(place);
    make_directories(host.root + "/volume");
    make_directories(place + "/volume");
    ASSERT_EQ(::mount("none", (place + "/volume").c_str(), "tmpfs", 0, nullptr), 0);
    ASSERT_EQ(::mount(nullptr, (place + "/volume").c_str(), nullptr, MS_SHARED, nullptr), 0);
    const Box box(host.root,
                  {.keeps_propagation = true, .prepare = [&](const std::string& root) { bind_volume(place, root); }});
    for (const std::string target : {"/volume/x.sock", "/volume/a/x.sock"}) {
      const std::string text = text_of(box.plant(target, host.file.get()));
      EXPECT_NE(text.find("is shared with other mount namespaces (process "), std::string::npos) << text;
    }
    EXPECT_EQ(count_entries(place + "/volume"), 0);
  });
}

TEST_P(PlantingRefusal, RefusesAFileThatIsAMountSharedWithTheHost) {
  run([](const std::string& place) {
    const Host host(place);
    make_directories(place + "/volume");
    ASSERT_EQ(::mount("none", (place + "/volume").c_str(), "tmpfs", 0, nullptr), 0);
    ASSERT_EQ(::mount(nullptr, (place + "/volume").c_str(), nullptr, MS_SHARED, nullptr), 0);
    write_text(place + "/volume/empty");
    write_text(host.root + "/stub");
    const Box box(host.root, {.keeps_propagation = true, .prepare = [&](const std::string& root) {
                                EXPECT_EQ(::mount((place + "/volume/empty").c_str(), (root + "/stub").c_str(), nullptr,
                                                  MS_BIND, nullptr),
                                          0);
                              }});
    const std::string text = text_of(box.plant("/stub", host.file.get()));
    EXPECT_NE(text.find("is shared with other mount namespaces (process "), std::string::npos) << text;
    EXPECT_EQ(mounts_of(::getpid()).find("/volume/empty"), std::string::npos);
  });
}

TEST_P(PlantingRefusal, RefusesAMountThatHasASlaveInAnotherNamespace) {
  run([](const std::string& place) {
    const Host host(place);
    const Box box(host.root, {.prepare = [&](const std::string& root) {
                    EXPECT_EQ(::mount(nullptr, (root + "/run").c_str(), nullptr, MS_SHARED, nullptr), 0);
                    if (::fork() != 0) return;
                    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
                    EXPECT_EQ(::unshare(CLONE_NEWNS), 0);
                    EXPECT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr), 0);
                    while (true) ::pause();
                  }});
    std::string text = "success";
    const auto end = soon();  // the slave comes up beside us
    while (text == "success" && std::chrono::steady_clock::now() < end) {
      const auto planted = box.plant("/run/x.sock", host.file.get());
      text = text_of(planted);
      EXPECT_TRUE(!planted || box.undo(*planted));
    }
    EXPECT_NE(text.find("is shared with other mount namespaces (process "), std::string::npos) << text;
  });
}

TEST_P(PlantingRefusal, DoesNotRefuseWhatAContainerSharesOnlyWithItself) {
  run([](const std::string& place) {
    const Host host(place);
    const Box box(host.root, {.prepare = [](const std::string& root) {  // as LXC does
                    EXPECT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_SHARED, nullptr), 0);
                    EXPECT_EQ(::mount((root + "/run").c_str(), (root + "/dev").c_str(), nullptr, MS_BIND, nullptr), 0);
                  }});
    const auto planted = box.plant("/run/nm/x.sock", host.file.get());
    ASSERT_TRUE(planted) << text_of(planted);
    const std::string mounts = mounts_of(box.pid());
    const auto at = mounts.find("/run/nm/x.sock ");
    const std::string line = mounts.substr(at, mounts.find('\n', at) - at);
    EXPECT_EQ(line.find("shared:"), std::string::npos) << line;
    EXPECT_TRUE(box.undo(*planted));
    EXPECT_EQ(mounts_of(box.pid()).find("x.sock"), std::string::npos) << "a copy stays";
    EXPECT_EQ(box.look("/run/nm"), "/run/nm: No such file or directory");
  });
}

TEST_P(PlantingRefusal, SaysThatAReadOnlyRootIsOneAndStillUsesAStubInIt) {
  run([](const std::string& place) {
    const Host host(place);
    write_text(host.root + "/stub");
    const Box box(host.root, {.prepare = [](const std::string& root) {
                    (void)::mount(nullptr, root.c_str(), nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr);
                  }});
    EXPECT_EQ(
        text_of(box.plant("/api.sock", host.file.get())),
        "/api.sock: the container's file system is read-only there; choose a target on a tmpfs such as /run, or make "
        "an empty file of that name in the image");
    EXPECT_EQ(
        text_of(box.plant("/srv/api.sock", host.file.get())),
        "/srv: the container's file system is read-only there; choose a target on a tmpfs such as /run, or make the "
        "directory in the image");
    EXPECT_TRUE(box.plant("/stub", host.file.get()));
    EXPECT_TRUE(box.plant("/run/api.sock", host.file.get()));
  });
}

INSTANTIATE_TEST_SUITE_P(Kernel, PlantingRefusal,
                         testing::Values(Lacking::nothing, Lacking::openat2, Lacking::mount_setattr,
                                         Lacking::mount_calls, Lacking::pidfd, Lacking::statx, Lacking::all),
                         kernel_name);

}  // namespace
}  // namespace xc::test
