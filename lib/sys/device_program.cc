// See device_program.h. The context is struct bpf_cgroup_dev_ctx of linux/bpf.h.
#include "sys/device_program.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

namespace xc::sys {
namespace {

constexpr unsigned registers = 11;
constexpr std::size_t most_steps = 65536;

using Code = std::uint8_t;
constexpr Code load_word = BPF_LDX | BPF_MEM | BPF_W;

constexpr bpf_insn insn(unsigned code, unsigned to, unsigned from, std::int16_t offset, std::int32_t number) {
  return {static_cast<Code>(code), static_cast<Code>(to & 0xfU), static_cast<Code>(from & 0xfU), offset, number};
}

bool same(const bpf_insn& a, const bpf_insn& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}

/// Falls through to what follows with r1, the context, untouched. Registers 2 and 3 belong to nobody at the beginning.
std::array<bpf_insn, 13> prologue(std::uint32_t major, std::uint32_t minor) {
  constexpr std::int32_t others = ~(BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE);
  constexpr unsigned skip = BPF_JMP | BPF_JNE | BPF_K;
  return {insn(load_word, 2, 1, 0, 0),                            //
          insn(BPF_ALU64 | BPF_MOV | BPF_X, 3, 2, 0, 0),          // r3 = what sort of device
          insn(BPF_ALU64 | BPF_AND | BPF_K, 3, 0, 0, 0xffff),     //
          insn(skip, 3, 0, 9, BPF_DEVCG_DEV_CHAR),                //
          insn(BPF_ALU64 | BPF_RSH | BPF_K, 2, 0, 0, 16),         // r2 = what is to be done
          insn(BPF_ALU64 | BPF_AND | BPF_K, 2, 0, 0, others),     //
          insn(skip, 2, 0, 6, 0),                                 // more than reading and writing
          insn(load_word, 2, 1, 4, 0),                            //
          insn(skip, 2, 0, 4, static_cast<std::int32_t>(major)),  //
          insn(load_word, 2, 1, 8, 0),                            //
          insn(skip, 2, 0, 2, static_cast<std::int32_t>(minor)),  //
          insn(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 1),          //
          insn(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)};
}

/// A run of one program, as far as it is understood.
class Run {
 public:
  Run(const DeviceProgram& program, const DeviceAccess& access)
      : program_(program), context_{(access.access << 16U) | access.type, access.major, access.minor} {
    values_[1].context = true;
  }

  std::optional<bool> answer() {
    for (std::size_t step = 0; step < most_steps && at_ < program_.size(); ++step) {
      const bpf_insn& now = program_[at_++];
      if (now.code == (BPF_JMP | BPF_EXIT))
        return values_[0].context ? std::nullopt : std::optional(values_[0].number != 0);
      if (now.dst_reg >= registers || now.src_reg >= registers || !take(now)) return std::nullopt;
    }
    return std::nullopt;
  }

 private:
  struct Value {
    std::uint64_t number = 0;
    bool context = false;  ///< the pointer to the context, not a number
  };

  bool take(const bpf_insn& now) {
    switch (now.code & 0x07U) {
      case BPF_LDX: return load(now);
      case BPF_ALU:
      case BPF_ALU64: return compute(now, BPF_CLASS(now.code) == BPF_ALU64);
      case BPF_JMP:
      case BPF_JMP32: return jump(now, BPF_CLASS(now.code) == BPF_JMP);
      default: return false;
    }
  }

  bool load(const bpf_insn& now) {
    const unsigned size = BPF_SIZE(now.code) == BPF_W ? 4U : BPF_SIZE(now.code) == BPF_H ? 2U : 1U;
    const auto offset = static_cast<unsigned>(now.off);
    if (BPF_MODE(now.code) != BPF_MEM || BPF_SIZE(now.code) == BPF_DW || !values_[now.src_reg].context) return false;
    if (now.off < 0 || offset + size > sizeof context_) return false;
    std::uint64_t number = 0;
    for (unsigned i = 0; i < size; ++i) {
      const unsigned at = (offset + i) % 4;
      const unsigned shift = 8U * (little_endian ? at : 3 - at);
      const std::uint64_t byte = (context_[(offset + i) / 4] >> shift) & 0xffU;
      number = little_endian ? number | byte << (8U * i) : number << 8U | byte;
    }
    values_[now.dst_reg] = {number, false};
    return true;
  }

  bool compute(const bpf_insn& now, bool wide) {
    Value& to = values_[now.dst_reg];
    const Value from = operand(now);
    const unsigned operation = BPF_OP(now.code);
    if (operation == BPF_MOV) {
      if (now.off != 0 || (from.context && !wide)) return false;
      to = from;
    } else {
      const std::uint64_t with = wide ? from.number : from.number & 0xffffffffU;
      if (to.context || from.context || !calculate(operation, to.number, with, wide ? 63 : 31)) return false;
    }
    if (!wide) to.number &= 0xffffffffU;
    return true;
  }

  static bool calculate(unsigned operation, std::uint64_t& to, std::uint64_t from, unsigned most) {
    switch (operation) {
      case BPF_ADD: to += from; return true;
      case BPF_SUB: to -= from; return true;
      case BPF_OR: to |= from; return true;
      case BPF_AND: to &= from; return true;
      case BPF_XOR: to ^= from; return true;
      case BPF_LSH: to <<= from & most; return true;
      case BPF_RSH:
        if (most == 31) to &= 0xffffffffU;
        to >>= from & most;
        return true;
      default: return false;
    }
  }

  bool jump(const bpf_insn& now, bool wide) {
    const unsigned operation = BPF_OP(now.code);
    if (operation == BPF_JA) return wide && go(now.off);
    const Value left = values_[now.dst_reg];
    const Value right = operand(now);
    if (left.context || right.context) return false;
    const std::uint64_t mask = wide ? ~std::uint64_t{0} : 0xffffffffU;
    const auto taken = compare(operation, left.number & mask, right.number & mask);
    return taken && (!*taken || go(now.off));
  }

  static std::optional<bool> compare(unsigned operation, std::uint64_t left, std::uint64_t right) {
    switch (operation) {
      case BPF_JEQ: return left == right;
      case BPF_JNE: return left != right;
      case BPF_JGT: return left > right;
      case BPF_JGE: return left >= right;
      case BPF_JLT: return left < right;
      case BPF_JLE: return left <= right;
      case BPF_JSET: return (left & right) != 0;
      default: return std::nullopt;
    }
  }

  bool go(std::int16_t offset) {
    if (offset < 0) return false;  // engines write no loops
    at_ += static_cast<std::size_t>(offset);
    return true;
  }

  [[nodiscard]] Value operand(const bpf_insn& now) const {
    if (BPF_SRC(now.code) == BPF_X) return values_[now.src_reg];
    return {static_cast<std::uint64_t>(std::int64_t{now.imm}), false};
  }

  static constexpr bool little_endian = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
  const DeviceProgram& program_;
  std::array<std::uint32_t, 3> context_;
  std::array<Value, registers> values_{};
  std::size_t at_ = 0;
};

}  // namespace

std::optional<bool> verdict_of(const DeviceProgram& program, const DeviceAccess& access) {
  return Run(program, access).answer();
}

DeviceProgram allow_first(std::uint32_t major, std::uint32_t minor, const DeviceProgram& old) {
  const auto first = prologue(major, minor);
  DeviceProgram program(first.begin(), first.end());
  program.insert(program.end(), old.begin(), old.end());
  return program;
}

std::optional<DeviceProgram> without(std::uint32_t major, std::uint32_t minor, const DeviceProgram& program) {
  const auto wanted = prologue(major, minor);
  auto at = program.begin();
  while (static_cast<std::size_t>(program.end() - at) > wanted.size()) {
    const auto any = prologue(static_cast<std::uint32_t>(at[8].imm), static_cast<std::uint32_t>(at[10].imm));
    if (!std::equal(any.begin(), any.end(), at, same)) return std::nullopt;
    const auto behind = at + wanted.size();
    if (std::equal(wanted.begin(), wanted.end(), at, same)) {
      DeviceProgram before(program.begin(), at);
      before.insert(before.end(), behind, program.end());
      return before;
    }
    at = behind;
  }
  return std::nullopt;
}

DeviceProgram reloadable(DeviceProgram program) {
  for (bpf_insn& one : program)
    if (one.code == (BPF_ALU | BPF_MOV | BPF_X) && one.imm == 1) one = insn(BPF_JMP | BPF_JA, 0, 0, 0, 0);
  return program;
}

}  // namespace xc::sys
