// Planting into a container, as a hook does it, on today's kernel and on kernels that lack its newer calls.
#include "sys/planted_file.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "box.h"
#include "isolated.h"
#include "sys/unix_socket.h"

namespace xc::test {
namespace {

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
