// Planting into a container, as a hook does it, on today's kernel and on kernels that lack its newer calls.
#include "sys/planted_file.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>

#include "box.h"
#include "isolated.h"
#include "sys/small_file.h"
#include "sys/unix_socket.h"

namespace xc::test {
namespace {

/// The host's side: a state directory with a listening socket, a root file system, and a directory that must stay
/// empty.
struct Host {
  explicit Host(const std::string& place) : root(place + "/rootfs"), outside(place + "/outside") {
    make_directories(root + "/run");
    make_directories(root + "/dev");
    make_directories(outside);
    make_directories(place + "/state");
    state = Fd{::open((place + "/state").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    auto made = sys::listen_at(state.get(), "s", {.mode = 0666});
    EXPECT_TRUE(made) << text_of(made);
    listener = std::move(*made);
    file = Fd{::openat(state.get(), "s", O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  }
  std::string root;
  std::string outside;
  Fd state;
  Fd listener;
  Fd file;
};

/// Connects to `path` as a program inside would; empty when it worked.
std::string call(const Box& box, const std::string& path) {
  const auto done = box.inside([&](const auto& root, const auto& proc, auto) -> Result<sys::Answer> {
    const Fd entry = XC_TRY(root.resolve(path));
    const std::string name = XC_TRY(proc.name_here(entry.get()));
    const auto address = XC_TRY(sys::UnixAddress::path(name));
    const Fd client{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (::connect(client.get(), address.get(), address.size()) != 0) return fail_errno(Kind::kernel, "connect", errno);
    return sys::Answer{};
  });
  return done ? "" : done.error().text;
}

std::string mounts_of(pid_t pid) {
  const auto text = sys::read_file(AT_FDCWD, "/proc/" + std::to_string(pid) + "/mountinfo", sys::proc_file_limit);
  return text ? *text : text.error().text;
}

class Planting : public EveryKernel {};

TEST_P(Planting, MakesASocketAppearInATmpfsAndUndoLeavesNothing) {
  run([](const std::string& place) {
    const Host host(place);
    const Box box(host.root);
    const std::string before = mounts_of(::getpid());
    const auto planted = box.plant("/run/nm/deep/api.sock", host.file.get());
    ASSERT_TRUE(planted) << text_of(planted);
    EXPECT_EQ(box.look("/run/nm/deep/api.sock"), "socket 0:0 666");
    EXPECT_EQ(box.look("/run/nm"), "directory 0:0 755");
    EXPECT_EQ(call(box, "/run/nm/deep/api.sock"), "");
    EXPECT_EQ(mounts_of(::getpid()), before) << "the host sees the mount";
    EXPECT_EQ(planted->made.size(), 2U);
    const auto undone = box.undo(*planted);
    EXPECT_TRUE(undone) << text_of(undone);
    EXPECT_EQ(box.look("/run/nm"), "/run/nm: No such file or directory");
    EXPECT_EQ(mounts_of(box.pid()).find("api.sock"), std::string::npos);
    EXPECT_TRUE(box.undo(*planted)) << "a second undo does nothing";
  });
}

TEST_P(Planting, KeepsWhatWasThereOnUndo) {
  run([](const std::string& place) {
    const Host host(place);
    make_directories(host.root + "/srv/there");
    write_text(host.root + "/srv/there/stub");
    const Box box(host.root);
    const auto planted = box.plant("/srv/there/stub", host.file.get());
    ASSERT_TRUE(planted) << text_of(planted);
    EXPECT_FALSE(planted->made_stub);
    EXPECT_EQ(call(box, "/srv/there/stub"), "");
    EXPECT_TRUE(box.undo(*planted));
    EXPECT_EQ(box.look("/srv/there/stub"), "file 0:0 644");
  });
}

TEST_P(Planting, UndoLeavesADirectoryThatIsInUse) {
  run([](const std::string& place) {
    const Host host(place);
    const Box box(host.root);
    const auto planted = box.plant("/run/nm/a/api.sock", host.file.get());
    ASSERT_TRUE(planted) << text_of(planted);
    ASSERT_TRUE(box.inside([](const auto& root, const auto&, auto) -> Result<sys::Answer> {
      const Fd file{::openat(root.get(), "run/nm/theirs", O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
      return sys::Answer{};
    }));
    EXPECT_TRUE(box.undo(*planted));
    EXPECT_EQ(box.look("/run/nm/theirs"), "file 0:0 600");
    EXPECT_EQ(box.look("/run/nm/a"), "/run/nm/a: No such file or directory");
  });
}

TEST_P(Planting, UndoLeavesAStubThatSomebodyFilled) {
  run([](const std::string& place) {
    const Host host(place);
    make_directories(host.root + "/srv");
    const Box box(host.root);
    const auto planted = box.plant("/srv/api.sock", host.file.get());
    ASSERT_TRUE(planted) << text_of(planted);
    write_text(host.root + "/srv/api.sock", "x");  // the host sees the stub, not the mount
    EXPECT_TRUE(box.undo(*planted));
    EXPECT_EQ(box.look("/srv/api.sock"), "file 0:0 600");
  });
}

TEST_P(Planting, NoticesThatTheEntryWasExchangedMeanwhile) {
  run([](const std::string& place) {
    const Host host(place);
    make_directories(host.root + "/srv");
    write_text(host.root + "/srv/target");
    write_text(host.root + "/srv/other");
    const Box box(host.root);
    const auto tree = sys::clone_tree(host.file.get(), sys::Use::socket);
    ASSERT_TRUE(tree) << text_of(tree);
    const auto done = box.inside([&](const auto& root, const auto& proc, auto) -> Result<sys::Answer> {
      const Fd target = XC_TRY(root.resolve("/srv/target"));
      const Fd parent = XC_TRY(root.resolve("/srv"));
      XC_CHECK(sys::attach_tree(proc, *tree, target.get(), parent.get(), "other"));
      return sys::Answer{};
    });
    EXPECT_EQ(text_of(done), "the entry was exchanged while it was planted");
    if (tree->detached) {
      EXPECT_EQ(mounts_of(box.pid()).find("/srv/target "), std::string::npos) << "the mount stays";
    }
  });
}

TEST_P(Planting, SetsEveryFlagOfTheMountAndKeepsTheHostInodeSafe) {
  run([](const std::string& place) {
    const Host host(place);
    const Box box(host.root);
    ASSERT_TRUE(box.plant("/run/api.sock", host.file.get()));
    const std::string mounts = mounts_of(box.pid());
    const auto at = mounts.find("/run/api.sock ");
    ASSERT_NE(at, std::string::npos) << mounts;
    const std::string rest = mounts.substr(at, mounts.find('\n', at) - at);
    EXPECT_EQ(rest.find("/run/api.sock ro,nosuid,nodev,noexec"), 0U) << rest;
    EXPECT_EQ(rest.find("shared:"), std::string::npos) << rest;
    EXPECT_EQ(rest.find("master:"), std::string::npos) << rest;
    const auto changed = box.inside([](const auto& root, const auto& proc, auto) -> Result<sys::Answer> {
      const Fd entry = XC_TRY(root.resolve("/run/api.sock"));
      if (::chmod(XC_TRY(proc.name_here(entry.get())).c_str(), 0) != 0) return fail_errno(Kind::kernel, "chmod", errno);
      return sys::Answer{};
    });
    EXPECT_EQ(text_of(changed), "chmod: Read-only file system");
  });
}

TEST_P(Planting, IsPrivateThoughTheHostSideIsShared) {
  run([](const std::string& place) {
    ASSERT_EQ(::mount(nullptr, place.c_str(), nullptr, MS_SHARED, nullptr), 0);
    const Host host(place);
    const Box box(host.root);
    ASSERT_TRUE(box.plant("/run/api.sock", host.file.get()));
    const std::string mounts = mounts_of(box.pid());
    const auto at = mounts.find("/run/api.sock ");
    const std::string line = mounts.substr(at, mounts.find('\n', at) - at);
    EXPECT_EQ(line.find("shared:"), std::string::npos) << line;
    EXPECT_EQ(line.find("master:"), std::string::npos) << line;
  });
}

TEST_P(Planting, WorksOnPathsLongerThanASocketNameAndOnLegalSymlinks) {
  run([](const std::string& place) {
    const Host host(place);
    make_directories(host.root + "/var");
    link_to("/run", host.root + "/var/run");
    const Box box(host.root);
    const std::string deep = "/" + std::string(100, 'a') + "/" + std::string(100, 'b') + "/api.sock";
    const auto planted = box.plant("/var/run" + deep, host.file.get());
    ASSERT_TRUE(planted) << text_of(planted);
    EXPECT_EQ(call(box, "/run" + deep), "");
    EXPECT_TRUE(box.undo(*planted));
    EXPECT_EQ(box.look("/run/" + std::string(100, 'a')).find("/run/aaa"), 0U);
  });
}

TEST_P(Planting, BelongsToTheRootOfAUserNamespace) {
  run([](const std::string& place) {
    const Host host(place);
    make_directories(host.root + "/srv");
    for (const char* path : {"", "/run", "/dev", "/srv"})
      ASSERT_EQ(::chown((host.root + path).c_str(), 100000, 100000), 0);
    const Box box(host.root, {.user_namespace = true});
    for (const std::string base : {"/run", "/srv"}) {
      const auto planted = box.plant(base + "/nm/api.sock", host.file.get());
      ASSERT_TRUE(planted) << base << ": " << text_of(planted);
      EXPECT_EQ(box.look(base + "/nm"), "directory 100000:100000 755");
      EXPECT_EQ(call(box, base + "/nm/api.sock"), "");
      EXPECT_TRUE(box.undo(*planted));
      EXPECT_EQ(box.look(base + "/nm"), base + "/nm: No such file or directory");
    }
  });
}

TEST_P(Planting, ModeDoesNotDependOnTheUmask) {
  run([](const std::string& place) {
    const Host host(place);
    const Box box(host.root);
    ::umask(0077);
    ASSERT_TRUE(box.plant("/run/nm/api.sock", host.file.get()));
    EXPECT_EQ(box.look("/run/nm"), "directory 0:0 755");
  });
}

TEST_P(Planting, NeverLeavesTheRootWhicheverComponentIsASymlink) {
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

TEST_P(Planting, RefusesLoopsAndChainsAtOnceAndLeavesNothing) {
  run([](const std::string& place) {
    const Host host(place);
    link_to("/b", host.root + "/a");
    link_to("/a", host.root + "/b");
    make_directories(host.root + "/end");
    for (int i = 0; i <= 41; ++i)
      link_to(i == 0 ? "/end" : "/chain" + std::to_string(i - 1), host.root + "/chain" + std::to_string(i));
    const Box box(host.root);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(text_of(box.plant("/a/api.sock", host.file.get())), "/a: Too many levels of symbolic links");
    EXPECT_EQ(text_of(box.plant("/chain40/api.sock", host.file.get())), "/chain40: Too many levels of symbolic links");
    const std::string longest = "/run/" + std::string(4096, 'x');
    EXPECT_NE(text_of(box.plant(longest, host.file.get())).find("File name too long"), std::string::npos);
    EXPECT_NE(text_of(box.plant("/run/nm/" + std::string(256, 'x'), host.file.get())).find("File name too long"),
              std::string::npos);
    const std::string middle = "/run/nm/" + std::string(256, 'x') + "/api.sock";
    EXPECT_NE(text_of(box.plant(middle, host.file.get())).find("File name too long"), std::string::npos);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(200));
    EXPECT_EQ(box.look("/run/nm"), "/run/nm: No such file or directory") << "what was made before the failure stays";
    EXPECT_TRUE(box.plant("/chain39/api.sock", host.file.get())) << "40 links are legal";
  });
}

TEST_P(Planting, RefusesWhatIsNotOursToCover) {
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

TEST_P(Planting, RefusesPathsThatAreNotInNormalForm) {
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

TEST_P(Planting, RefusesFileSystemsThatAreNoPlaceForIt) {
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

TEST_P(Planting, RefusesAMountThatPropagates) {
  run([](const std::string& place) {
    const Host host(place);
    make_directories(host.root + "/volume");
    make_directories(place + "/volume");
    ASSERT_EQ(::mount("none", (place + "/volume").c_str(), "tmpfs", 0, nullptr), 0);
    const Box box(host.root, {.prepare = [&](const std::string& root) {
                    const std::string volume = root + "/volume";
                    (void)::mount((place + "/volume").c_str(), volume.c_str(), nullptr, MS_BIND, nullptr);
                    (void)::mount(nullptr, volume.c_str(), nullptr, MS_SHARED, nullptr);
                  }});
    for (const std::string target : {"/volume/x.sock", "/volume/a/x.sock"}) {
      const std::string text = text_of(box.plant(target, host.file.get()));
      EXPECT_NE(text.find("propagates to others (shared)"), std::string::npos) << text;
    }
    EXPECT_EQ(count_entries(place + "/volume"), 0);
  });
}

TEST_P(Planting, SaysThatAReadOnlyRootIsOneAndStillUsesAStubInIt) {
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

TEST_P(Planting, ShowsADeviceNodeThatOpensThoughTheTargetIsNodev) {
  run([](const std::string& place) {
    const Host host(place);
    ASSERT_EQ(::mknod((place + "/state/null").c_str(), S_IFCHR | 0666, ::makedev(1, 3)), 0);
    const Fd node{::open((place + "/state/null").c_str(), O_PATH | O_CLOEXEC)};
    const Box box(host.root);
    const auto planted = box.plant("/dev/dri/card0", node.get(), sys::Use::device);
    ASSERT_TRUE(planted) << text_of(planted);
    const auto opened = box.inside([](const auto& root, const auto&, auto) -> Result<sys::Answer> {
      const Fd device{::openat(root.get(), "dev/dri/card0", O_RDWR | O_CLOEXEC)};
      if (!device) return fail_errno(Kind::kernel, "open", errno);
      return sys::Answer{};
    });
    EXPECT_EQ(text_of(opened), "success");
  });
}

TEST_P(Planting, WorksAfterThePivotWhereTheKernelCanAndSaysSoWhereNot) {
  run([](const std::string& place) {
    const Host host(place);
    const Box box(host.root, {.pivoted = true});
    const auto planted = box.plant("/run/api.sock", host.file.get());
    if (GetParam() == Lacking::mount_calls || GetParam() == Lacking::all) {
      const std::string text = text_of(planted);
      EXPECT_NE(text.find("cannot be brought into a container whose root is already pivoted"), std::string::npos)
          << text;
      EXPECT_EQ(box.look("/run/api.sock"), "/run/api.sock: No such file or directory");
    } else {
      ASSERT_TRUE(planted) << text_of(planted);
      EXPECT_EQ(call(box, "/run/api.sock"), "");
    }
  });
}

INSTANTIATE_TEST_SUITE_P(Kernel, Planting,
                         testing::Values(Lacking::nothing, Lacking::openat2, Lacking::mount_setattr,
                                         Lacking::mount_calls, Lacking::pidfd, Lacking::statx, Lacking::all),
                         kernel_name);

}  // namespace
}  // namespace xc::test
