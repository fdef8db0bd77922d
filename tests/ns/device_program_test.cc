#include "sys/device_program.h"

#include <gtest/gtest.h>

#include <cstring>

#include "sys/device_group.h"
#include "sys/sysfs.h"

namespace xc::sys {
namespace {

constexpr std::uint32_t read_write = BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE;

bpf_insn insn(unsigned code, unsigned to, unsigned from, std::int16_t offset, std::int32_t number) {
  return {static_cast<std::uint8_t>(code), static_cast<std::uint8_t>(to & 0xfU), static_cast<std::uint8_t>(from & 0xfU),
          offset, number};
}

DeviceProgram always(std::int32_t answer) {
  return {insn(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, answer), insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)};
}

/// As runc writes it: deny all, but any mknod, and c 1:3 whatever is done.
DeviceProgram like_an_engine() {
  return {insn(BPF_LDX | BPF_MEM | BPF_W, 2, 1, 0, 0),
          insn(BPF_ALU | BPF_AND | BPF_K, 2, 0, 0, 0xffff),
          insn(BPF_LDX | BPF_MEM | BPF_W, 3, 1, 0, 0),
          insn(BPF_ALU | BPF_RSH | BPF_K, 3, 0, 0, 16),
          insn(BPF_LDX | BPF_MEM | BPF_W, 4, 1, 4, 0),
          insn(BPF_LDX | BPF_MEM | BPF_W, 5, 1, 8, 0),
          insn(BPF_JMP | BPF_JNE | BPF_K, 2, 0, 4, BPF_DEVCG_DEV_CHAR),
          insn(BPF_JMP | BPF_JNE | BPF_K, 4, 0, 3, 1),
          insn(BPF_JMP | BPF_JNE | BPF_K, 5, 0, 2, 3),
          insn(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1),
          insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
          insn(BPF_ALU | BPF_MOV | BPF_X, 1, 3, 0, 0),
          insn(BPF_ALU | BPF_AND | BPF_K, 1, 0, 0, BPF_DEVCG_ACC_MKNOD),
          insn(BPF_JMP | BPF_JNE | BPF_X, 1, 3, 2, 0),
          insn(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1),
          insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
          insn(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0),
          insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)};
}

std::optional<bool> verdict(const DeviceProgram& program, std::uint32_t major, std::uint32_t minor,
                            std::uint32_t access = read_write, std::uint32_t type = BPF_DEVCG_DEV_CHAR) {
  return verdict_of(program, {type, major, minor, access});
}

bool same(const DeviceProgram& a, const DeviceProgram& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(bpf_insn)) == 0;
}

TEST(DeviceProgram, AnswersAsTheKernelWould) {
  const auto program = like_an_engine();
  EXPECT_EQ(verdict(program, 1, 3), true);
  EXPECT_EQ(verdict(program, 1, 4), false);
  EXPECT_EQ(verdict(program, 10, 229), false);
  EXPECT_EQ(verdict(program, 10, 229, BPF_DEVCG_ACC_MKNOD), true);
  EXPECT_EQ(verdict(program, 1, 3, read_write, BPF_DEVCG_DEV_BLOCK), false);
}

TEST(DeviceProgram, AllowsOneDeviceAndNothingElse) {
  const auto program = allow_first(226, 1, like_an_engine());
  EXPECT_EQ(program.size(), like_an_engine().size() + 13);
  for (const std::uint32_t access : {std::uint32_t{BPF_DEVCG_ACC_READ}, std::uint32_t{BPF_DEVCG_ACC_WRITE}, read_write})
    EXPECT_EQ(verdict(program, 226, 1, access), true);
  // What it says of everything else is what it said before: for each sort, number and access.
  for (const std::uint32_t type : {BPF_DEVCG_DEV_BLOCK, BPF_DEVCG_DEV_CHAR})
    for (const std::uint32_t major : {0U, 1U, 10U, 225U, 226U, 227U, 4095U})
      for (const std::uint32_t minor : {0U, 1U, 2U, 3U, 128U, 1048575U})
        for (std::uint32_t access = 1; access < 8; ++access) {
          const bool granted = type == BPF_DEVCG_DEV_CHAR && major == 226 && minor == 1 && (access & 1U) == 0;
          EXPECT_EQ(verdict(program, major, minor, access, type),
                    granted ? true : verdict(like_an_engine(), major, minor, access, type));
        }
  EXPECT_EQ(verdict(allow_first(4095, 1048575, always(0)), 4095, 1048575), true);
}

TEST(DeviceProgram, WhatWasAllowedIsTakenOutWhereverItStands) {
  const auto first = allow_first(226, 1, like_an_engine());
  const auto both = allow_first(10, 229, first);
  EXPECT_TRUE(same(without(226, 1, first).value(), like_an_engine()));
  EXPECT_TRUE(same(without(10, 229, both).value(), first));
  EXPECT_TRUE(same(without(226, 1, both).value(), allow_first(10, 229, like_an_engine())));
  EXPECT_FALSE(without(226, 2, both));
  EXPECT_FALSE(without(226, 1, like_an_engine()));
  EXPECT_FALSE(without(226, 1, {}));
}

TEST(DeviceProgram, DoesNotGuess) {
  EXPECT_EQ(verdict({}, 1, 3), std::nullopt);
  EXPECT_EQ(verdict({insn(BPF_JMP | BPF_CALL, 0, 0, 0, 1), insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)}, 1, 3), std::nullopt);
  EXPECT_EQ(verdict({insn(BPF_JMP | BPF_JA, 0, 0, -1, 0)}, 1, 3), std::nullopt);
  EXPECT_EQ(verdict({insn(BPF_JMP | BPF_JA, 0, 0, 9, 0)}, 1, 3), std::nullopt);
  EXPECT_EQ(verdict({insn(BPF_LDX | BPF_MEM | BPF_W, 2, 1, 12, 0)}, 1, 3), std::nullopt);
  EXPECT_EQ(verdict({insn(BPF_LDX | BPF_MEM | BPF_W, 2, 10, -4, 0)}, 1, 3), std::nullopt);
}

TEST(DeviceProgram, InstructionsOfTheVerifiersOwnGoBackAsNothing) {
  auto program = always(1);
  program.insert(program.begin() + 1, insn(BPF_ALU | BPF_MOV | BPF_X, 0, 0, 0, 1));
  const auto clean = reloadable(program);
  EXPECT_EQ(clean[1].code, BPF_JMP | BPF_JA);
  EXPECT_EQ(clean[1].off, 0);
  EXPECT_TRUE(same(reloadable(like_an_engine()), like_an_engine()));
}

TEST(DeviceList, AllowsWhatALineOfItCovers) {
  const DeviceNumber fuse{10, 229};
  for (const char* list : {"a *:* rwm\n", "c 1:3 rwm\nc 10:229 rw\n", "c 10:* rwm\n", "c *:* rw\n"})
    EXPECT_TRUE(list_allows(list, fuse)) << list;
  for (const char* list : {"", "c *:* m\n", "c 10:229 r\n", "b 10:229 rwm\n", "c 10:22 rwm\n", "c 10:2290 rwm\n",
                           "c 110:229 rwm\n", "c 10:229\n"})
    EXPECT_FALSE(list_allows(list, fuse)) << list;
}

TEST(Sysfs, TellsANodesNameAndWhatItIs) {
  EXPECT_EQ(name_in_uevent("MAJOR=226\nMINOR=0\nDEVNAME=dri/card0\nDEVTYPE=drm_minor\n"), "dri/card0");
  EXPECT_EQ(name_in_uevent("MAJOR=226\nXDEVNAME=dri/card0\n"), "");
  const auto sysfs = Sysfs::open();
  ASSERT_TRUE(sysfs) << sysfs.error().text;
  const auto null = sysfs->find_character_device(1, 3);
  ASSERT_TRUE(null && *null) << null.error().text;
  EXPECT_EQ((*null)->node.name, "null");
  EXPECT_EQ((*null)->subsystem, "mem");
  EXPECT_EQ((*null)->hardware, "");
  const auto none = sysfs->find_character_device(226, 1048575);
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
}

}  // namespace
}  // namespace xc::sys
