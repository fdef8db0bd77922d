// Directories that nobody inside a container can search: the rule, and planting that keeps to it.
#include "sys/passage.h"

#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

#include "box.h"
#include "isolated.h"

namespace xc::test {
namespace {

constexpr uid_t host_root = 0;
constexpr uid_t inside = 100000;  // the container's root

struct Case {
  sys::Gate gate;
  bool passes;
  const char* why;
};

TEST(Passage, IsOpenToWhomTheModeAndTheIdsLetIn) {
  const sys::Insiders insiders{*sys::IdMap::parse("0 100000 65536\n"), *sys::IdMap::parse("0 100000 65536\n"), {44}};
  const std::vector<Case> cases = {
      {{host_root, host_root, 0700}, false, "a stranger's"},
      {{host_root, host_root, 0770}, false, "a stranger's and his group's"},
      {{host_root, host_root, 0776}, false, "others may read it, and not search"},
      {{host_root, host_root, 0701}, true, "others"},
      {{host_root, host_root, 0001}, true, "others alone"},
      {{host_root, inside, 0710}, true, "the group"},
      {{host_root, inside, 0760}, false, "the group may not search"},
      {{host_root, inside, 0700}, false, "the group has nothing, and root is not over a stranger's directory"},
      {{host_root, 44, 0710}, true, "a group that the engine kept"},
      {{host_root, 44, 0700}, false, "that group has nothing"},
      {{host_root, 45, 0710}, false, "a group that it did not keep"},
      {{inside, host_root, 0700}, true, "the owner"},
      {{inside, host_root, 0670}, false, "the owner may not, and root is not over a stranger's group"},
      {{inside + 1000, host_root, 0100}, true, "any owner that is mapped"},
      {{inside, inside, 0000}, true, "root of the namespace, who has both ids"},
      {{inside + 65535, inside + 65535, 0000}, true, "the last ids"},
      {{inside + 65536, inside + 65536, 0770}, false, "behind the last ids"},
      {{inside - 1, inside - 1, 0770}, false, "before the first ids"},
      {{65534, 65534, 0700}, false, "who has no number here at all"},
  };
  for (const Case& one : cases) EXPECT_EQ(sys::could_pass(one.gate, insiders), one.passes) << one.why;
}

TEST(Passage, KnowsUsersFromGroups) {
  const sys::Insiders insiders{*sys::IdMap::parse("0 1000 1\n1 100000 65536\n"), *sys::IdMap::parse("0 50 1\n"), {}};
  EXPECT_TRUE(sys::could_pass({1000, 50, 0000}, insiders));
  EXPECT_TRUE(sys::could_pass({100000, 50, 0000}, insiders));
  EXPECT_FALSE(sys::could_pass({1000, 1000, 0070}, insiders));
  EXPECT_FALSE(sys::could_pass({50, 50, 0700}, insiders));
  EXPECT_FALSE(sys::could_pass({0, 0, 0770}, {sys::IdMap{}, sys::IdMap{}, {}})) << "nobody is there";
}

std::string refusal(const std::string& target, const std::string& shut, const std::string& ids = "user 0 and group 0",
                    const std::string& mode = "0700") {
  return target + ": nobody in the container can pass " + shut + ", a directory of " + ids + " with mode " + mode +
         ", which lets in no id of the container's user namespace; let others search it (chmod o+x), or choose another "
         "target";
}

class PlantingBehind : public EveryKernel {};

TEST_P(PlantingBehind, ADirectoryThatNobodyInsideCanPassIsRefused) {
  run([](const std::string& place) {
    const Host host(place);
    make_directories(host.root + "/srv/closed/inner");
    ASSERT_EQ(::chmod((host.root + "/srv/closed").c_str(), 0700), 0);
    link_to("srv/closed", host.root + "/way");
    const Box box(host.root, {.user_namespace = true});
    for (const std::string target : {"/srv/closed/x", "/srv/closed/inner/x", "/srv/closed/a/b/x", "/way/inner/x"}) {
      const auto planted = box.plant(target, host.file.get());
      EXPECT_EQ(text_of(planted), refusal(target, "/srv/closed"));
      EXPECT_EQ(planted ? 0 : planted.error().code, EACCES);
    }
    EXPECT_EQ(count_entries(host.root + "/srv/closed"), 1) << "what was made on the way is still there";
    const Box plain(host.root);
    EXPECT_EQ(text_of(plain.plant("/srv/closed/inner/x", host.file.get())), "success") << "root is root there";
  });
}

TEST_P(PlantingBehind, ADirectoryThatSomebodyInsideCanPassIsDone) {
  run([](const std::string& place) {
    const Host host(place);
    for (const std::string name : {"others", "owner", "group", "both"}) make_directories(host.root + "/srv/" + name);
    const auto give = [&](const std::string& name, uid_t user, gid_t group, mode_t mode) {
      const std::string path = host.root + "/srv/" + name;
      EXPECT_EQ(::chown(path.c_str(), user, group), 0);
      EXPECT_EQ(::chmod(path.c_str(), mode), 0);
    };
    give("others", 0, 0, 0701);
    give("owner", 100000 + 33, 0, 0700);
    give("group", 0, 100000 + 33, 0710);
    give("both", 100000 + 33, 100000 + 33, 0000);
    const Box box(host.root, {.user_namespace = true});
    for (const std::string name : {"others", "owner", "group", "both"})
      EXPECT_EQ(text_of(box.plant("/srv/" + name + "/x", host.file.get())), "success") << name;
    EXPECT_EQ(text_of(box.plant("/run/deep/x", host.file.get())), "success");
  });
}

/// Binds as an engine does, before there is a container.
void bind_at(const std::string& source, const std::string& target) {
  EXPECT_EQ(::mount(source.c_str(), target.c_str(), nullptr, MS_BIND, nullptr), 0) << target;
}

TEST_P(PlantingBehind, MountsIsJudgedByTheWayThatThoseInsideGo) {
  run([](const std::string& place) {
    const Host host(place);
    make_directories(place + "/hidden/volume");  // bound itself, so what is above it on the host does not matter
    make_directories(host.root + "/srv/volume");
    make_directories(host.root + "/srv/closed/volume");
    const Box box(host.root, {.user_namespace = true, .prepare = [&](const std::string& root) {
                                bind_at(place + "/hidden/volume", root + "/srv/volume");
                                bind_at(place + "/hidden/volume", root + "/srv/closed/volume");
                              }});
    for (const std::string& shut : {place + "/hidden", host.root + "/srv/closed"})
      ASSERT_EQ(::chmod(shut.c_str(), 0700), 0);
    EXPECT_NE(mounts_of(box.pid()).find("/hidden/volume "), std::string::npos);
    EXPECT_EQ(text_of(box.plant("/srv/closed/volume/x", host.file.get())),
              refusal("/srv/closed/volume/x", "/srv/closed"));
    EXPECT_EQ(text_of(box.plant("/srv/volume/x", host.file.get())), "success");
  });
}

TEST_P(PlantingBehind, AnAccessListIsNotJudged) {
  run([](const std::string& place) {
    const Host host(place);
    make_directories(host.root + "/srv/listed");
    ASSERT_EQ(::chmod((host.root + "/srv/listed").c_str(), 0700), 0);
    // Version 2; user::rwx, user:100033:--x, group::---, mask::--x, other::--- (linux/posix_acl_xattr.h).
    constexpr std::array<std::uint16_t, 22> list{
        2,      0,      0x01, 7, 0xffff, 0xffff, 0x02, 1, 100033 & 0xffff, 1,     0x04, 0,
        0xffff, 0xffff, 0x10, 1, 0xffff, 0xffff, 0x20, 0, 0xffff,          0xffff};
    ASSERT_EQ(::setxattr((host.root + "/srv/listed").c_str(), "system.posix_acl_access", list.data(), sizeof list, 0),
              0);
    const Box box(host.root, {.user_namespace = true});
    EXPECT_EQ(text_of(box.plant("/srv/listed/x", host.file.get())), "success");
  });
}

TEST_P(PlantingBehind, ARootThatIsShutIsNoPlaceAtAll) {
  run([](const std::string& place) {
    const Host host(place);
    const Box box(host.root, {.user_namespace = true});
    ASSERT_EQ(::chmod(host.root.c_str(), 0750), 0);
    EXPECT_EQ(text_of(box.plant("/run/x", host.file.get())), refusal("/run/x", "/", "user 0 and group 0", "0750"));
  });
}

INSTANTIATE_TEST_SUITE_P(Kernel, PlantingBehind,
                         testing::Values(Lacking::nothing, Lacking::openat2, Lacking::mount_calls, Lacking::all),
                         kernel_name);

}  // namespace
}  // namespace xc::test
