#include "plan/devices.h"

#include <gtest/gtest.h>

#include "plan/describe.h"
#include "plan/planner.h"

namespace xc::plan {
namespace {

using model::Type;

/// A GPU as Linux shows it: its second card, with a render node whose number tells nothing.
model::NodeFacts gpu(std::string path = "/dev/dri/card1") {
  model::NodeFacts facts;
  facts.path = std::move(path);
  facts.file_type = "character device";
  facts.node = {226, 1, "dri/card1"};
  facts.subsystem = "drm";
  facts.driver = "virtio_gpu";
  facts.hardware = "/devices/pci0000:00/0000:00:02.0/virtio0";
  facts.siblings = {{226, 1, "dri/card1"}, {226, 64, "dri/controlD64"}, {226, 128, "dri/renderD128"}};
  return facts;
}

model::NodeFacts node(std::string path, model::NodeName name, std::string subsystem) {
  model::NodeFacts facts;
  facts.path = std::move(path);
  facts.file_type = "character device";
  facts.node = std::move(name);
  facts.subsystem = std::move(subsystem);
  return facts;
}

struct Case {
  Type type = Type::drm;
  std::string role = "any";
  model::NodeFacts facts = gpu();
  model::Origin origin = model::Origin::host;
  std::string provider;
};

Result<model::Device> identified(const Case& one) {
  model::Link link;
  link.service = "gpu";
  link.type = one.type;
  link.role = one.role;
  model::Offered offered{one.provider, one.origin, {}};
  offered.offer.name = "gpu";
  offered.offer.type = one.type;
  offered.offer.socket = one.facts.path;
  auto facts = one.facts;
  facts.provider = one.provider;
  XC_CHECK(check_device_role(link));
  return identify(link, offered, {facts});
}

std::string refusal(const Case& one, Kind kind = Kind::plant) {
  const auto device = identified(one);
  if (device) return "granted " + device->node.name;
  EXPECT_EQ(device.error().kind, kind);
  return device.error().text;
}

TEST(Devices, TheRoleChoosesTheNodeOnTheSameHardware) {
  const auto master = identified({.role = "master"});
  ASSERT_TRUE(master);
  EXPECT_EQ(describe_node(master->node), "c 226:1 dri/card1");
  EXPECT_EQ(master->kind, model::DeviceKind::card);
  EXPECT_EQ(master->pair, "dri/renderD128");
  EXPECT_EQ(master->driver, "virtio_gpu");
  const auto render = identified({.role = "render"});
  ASSERT_TRUE(render);
  EXPECT_EQ(describe_node(render->node), "c 226:128 dri/renderD128");
  EXPECT_EQ(render->kind, model::DeviceKind::render);
  EXPECT_EQ(render->pair, "dri/card1");
  EXPECT_EQ(identified({.role = "any"})->node.name, "dri/card1");
  const auto lease = identified({.role = "lease:HDMI-A-1"});
  EXPECT_EQ(lease->node.name, "dri/card1");
  EXPECT_EQ(lease->connector, "HDMI-A-1");
  EXPECT_EQ(identified({.role = "lease"})->connector, "");
}

TEST(Devices, WhoOffersARenderNodeHasNotOfferedTheScreen) {
  auto facts = gpu("/dev/dri/renderD128");
  facts.node = {226, 128, "dri/renderD128"};
  EXPECT_EQ(refusal({.role = "render", .facts = facts}), "granted dri/renderD128");
  EXPECT_EQ(refusal({.role = "any", .facts = facts}), "granted dri/renderD128");
  for (const std::string role : {"master", "lease", "lease:Virtual-1"})
    EXPECT_EQ(refusal({.role = role, .facts = facts}),
              "device \"/dev/dri/renderD128\" is a render node, and the role \"" + role + "\" needs a card");
}

TEST(Devices, ACardWithoutARenderNodeHasNone) {
  auto facts = gpu();
  facts.siblings.pop_back();
  EXPECT_EQ(refusal({.role = "render", .facts = facts}),
            "device \"/dev/dri/card1\" is a card, whose hardware has no render node");
  EXPECT_EQ(identified({.role = "master", .facts = facts})->pair, "");
}

TEST(Devices, OnlyWhatTheKernelCallsADisplayIsOne) {
  const std::string no_display = " is no DRM card and no render node: the kernel has it among ";
  EXPECT_EQ(refusal({.facts = node("/dev/kmsg", {1, 11, "kmsg"}, "mem")}),
            "device \"/dev/kmsg\"" + no_display + "\"mem\"");
  EXPECT_EQ(refusal({.facts = node("/dev/kvm", {10, 232, "kvm"}, "misc")}),
            "device \"/dev/kvm\"" + no_display + "\"misc\"");
  EXPECT_EQ(refusal({.facts = node("/dev/dri/controlD64", {226, 64, "dri/controlD64"}, "drm")}),
            "device \"/dev/dri/controlD64\"" + no_display + "\"drm\"");
  EXPECT_EQ(refusal({.facts = node("/dev/dri/card1", {226, 1, "dri/card1"}, "misc")}),
            "device \"/dev/dri/card1\"" + no_display + "\"misc\"");
  // A minor of the range that render nodes once had alone (R28).
  EXPECT_EQ(refusal({.role = "render", .facts = node("/dev/dri/card64", {226, 192, "dri/card64"}, "drm")}),
            "device \"/dev/dri/card64\" is a card, whose hardware has no render node");
}

TEST(Devices, ANodeIsWhatTheKernelCallsItAndNothingElse) {
  auto fake = gpu();
  fake.file_type = "block device";
  EXPECT_EQ(refusal({.facts = fake}), "device \"/dev/dri/card1\" is a block device, not a character device");
  fake.file_type = "symbolic link";
  EXPECT_EQ(refusal({.facts = fake}), "device \"/dev/dri/card1\" is a symbolic link, not a character device");
  EXPECT_EQ(refusal({.facts = gpu("/dev/dri/card0")}),
            "device \"/dev/dri/card0\" bears the number 226:1, which the kernel calls \"/dev/dri/card1\"; offer it "
            "under that name");
  EXPECT_EQ(refusal({.facts = gpu("/dev/xdri/card1")}).find("granted"), std::string::npos);
  EXPECT_EQ(refusal({.facts = node("/dev/dri/card9", {226, 9, ""}, "")}),
            "device \"/dev/dri/card9\" bears the number 226:9, for which the kernel has no device");
  auto absent = gpu();
  absent.problem = "is not there";
  EXPECT_EQ(refusal({.facts = absent}), "device \"/dev/dri/card1\": is not there");
}

TEST(Devices, TheHostNamesWhatIsNoDisplay) {
  const auto fuse = node("/dev/fuse", {10, 229, "fuse"}, "misc");
  EXPECT_EQ(refusal({.type = Type::chardev, .facts = fuse}), "granted fuse");
  EXPECT_EQ(refusal({.type = Type::chardev, .facts = fuse, .provider = "tools"}, Kind::policy),
            "devices of type \"char\" are granted where the host names them: \"tools\" offers \"gpu\"; declare it in "
            "/etc/xconnect/services.d");
  EXPECT_EQ(refusal({.type = Type::chardev}),
            "device \"/dev/dri/card1\" is offered as \"char\"; offer it as \"drm\", which has rules for such devices");
  const auto pad = node("/dev/input/event0", {13, 64, "input/event0"}, "input");
  EXPECT_EQ(refusal({.type = Type::input, .facts = pad}), "granted input/event0");
  EXPECT_EQ(refusal({.type = Type::input, .facts = fuse}),
            "device \"/dev/fuse\" is no input device: the kernel has it among \"misc\"");
  EXPECT_EQ(refusal({.type = Type::chardev, .facts = pad}).find("granted"), std::string::npos);
}

TEST(Devices, AnImageHasNoWordInIt) {
  EXPECT_EQ(refusal({.provider = "gpu-owner"}), "granted dri/card1");
  EXPECT_EQ(refusal({.origin = model::Origin::listed_image, .provider = "gpu-owner"}), "granted dri/card1");
  EXPECT_EQ(refusal({.origin = model::Origin::image, .provider = "gpu-owner"}, Kind::policy),
            "the image of \"gpu-owner\" offers the device \"gpu\": only a manifest of the host may, or an image that "
            "host policy lists");
}

TEST(Devices, ARoleThatIsNoneOfADisplayIsAMistake) {
  EXPECT_EQ(refusal({.role = "rendr"}, Kind::manifest),
            "role \"rendr\" is none of a display: expected master, render, lease or lease:CONNECTOR");
}

/// A whole plan with the GPU offered by the host.
struct Setting {
  model::Container container{.name = "kiosk"};
  model::Manifest manifest;
  model::Policy policy;
  model::HostFacts facts;

  explicit Setting(const std::string& role, const std::string& target = "") {
    model::Requirement wanted;
    wanted.name = "gpu";
    wanted.role = role;
    if (!target.empty()) wanted.targets.push_back(target);
    manifest.requirements.push_back(wanted);
    facts.nodes.push_back(gpu());
    model::Offered offered;
    offered.offer.name = "gpu";
    offered.offer.type = Type::drm;
    offered.offer.socket = "/dev/dri/card1";
    facts.offered.push_back(offered);
  }
  [[nodiscard]] Result<model::Plan> plan() const {
    return make_plan(container, manifest, {}, model::Origin::host, policy, facts);
  }
};

std::string steps_of(const model::Plan& plan) {
  std::string all;
  for (const auto& step : plan.steps) all += std::string(name_of(step.kind)) + " ";
  return all;
}

TEST(DevicePlan, ANodeIsStagedAllowedAndPlanted) {
  const auto plan = Setting("render").plan();
  ASSERT_TRUE(plan) << plan.error().text;
  EXPECT_EQ(plan->links[0].target, "/dev/dri/renderD128");
  EXPECT_EQ(steps_of(*plan), "record stage allow plant launch ");
  EXPECT_TRUE(plan->links[0].render_node);
  EXPECT_EQ(Setting("render", "/dev/dri/renderD200").plan()->links[0].target, "/dev/dri/renderD200");
  const auto outside = Setting("render", "/run/renderD128").plan();
  ASSERT_FALSE(outside);
  EXPECT_EQ(outside.error().kind, Kind::manifest);
}

TEST(DevicePlan, ALeaseIsASocketAndNoNode) {
  const auto plan = Setting("lease", "/run/screen.sock").plan();
  ASSERT_TRUE(plan) << plan.error().text;
  EXPECT_EQ(steps_of(*plan), "record listen plant launch ");
  EXPECT_FALSE(plan->links[0].render_node);
  EXPECT_FALSE(Setting("lease", "/dev/dri/card0").plan());
  EXPECT_FALSE(Setting("lease", "@screen").plan());
  const auto guessed = Setting("lease").plan();
  ASSERT_TRUE(guessed) << guessed.error().text;
  EXPECT_EQ(guessed->links[0].target, "/run/pv/services/gpu.sock");
  for (const auto& place : guessed->links[0].places) EXPECT_FALSE(place.starts_with("@"));
}

TEST(DevicePlan, SaysWhatIsGrantedAndWhy) {
  Setting setting("master", "/dev/dri/card0");
  model::Grant grant{.consumer = "kiosk", .service = "gpu", .roles = {}};
  grant.roles["master"].device = model::DeviceRules{.uid = 0, .gid = 44, .mode = 0640};
  setting.policy = {.present = true, .allow = {grant}, .offer = {}};
  const auto plan = setting.plan();
  ASSERT_TRUE(plan) << plan.error().text;
  const std::string text = describe(*plan);
  for (const char* line :
       {"c 226:1 dri/card1, driver virtio_gpu", "/devices/pci0000:00/0000:00:02.0/virtio0", "dri/renderD128",
        "0:44, mode 0640", "allows c 226:1 rw and nothing else", "open c 226:1 dri/card1"})
    EXPECT_NE(text.find(line), std::string::npos) << line << "\n" << text;
}

TEST(DevicePlan, ADeviceMustBeThereWhenTheContainerStarts) {
  Setting setting("render");
  setting.facts.offered.clear();
  setting.manifest.requirements[0].type = "drm";
  const auto refused = setting.plan();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("nobody offers the device \"gpu\" now"), std::string::npos);
  setting.facts.known_container = false;
  const auto alone = setting.plan();
  ASSERT_TRUE(alone) << alone.error().text;
  EXPECT_EQ(alone->links[0].target, "/dev/dri/renderD128");
}

TEST(DevicePlan, NoSocketAppearsAmongDevices) {
  Setting setting("any", "/dev/fuse");
  setting.facts.offered[0].offer.type = Type::rest;
  setting.facts.offered[0].offer.socket = "/run/api.sock";
  const auto refused = setting.plan();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Kind::manifest);
}

TEST(Devices, WithoutRootTheHostsOwnNodeIsLentAsItIs) {
  model::Device device;
  ASSERT_TRUE(lend(device));
  EXPECT_TRUE(device.lent);
  device.rules.directory = 0750;  // a directory is the container's own
  EXPECT_TRUE(lend(device));
  device.rules.mode = 0600;
  EXPECT_EQ(
      lend(device).error().text,
      "owner and mode of the device are set by its rules, and without root its node is the host's as it is: leave "
      "uid, gid and mode out");
  model::Device leased;
  leased.connector = "";
  EXPECT_TRUE(lend(leased).error().text.starts_with("a lease needs a card that is kept open"));
}

}  // namespace
}  // namespace xc::plan
