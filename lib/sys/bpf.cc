// See bpf.h.
#include "sys/bpf.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/text.h"

namespace xc::sys {
namespace {

constexpr std::uint32_t most_programs = 64;
constexpr std::uint32_t most_bytes = 1U << 20U;

long bpf(bpf_cmd command, bpf_attr& attributes) {
  return ::syscall(SYS_bpf, command, &attributes, sizeof attributes);
}

/// Members that are not named must be zero, padding too.
bpf_attr nothing() {
  bpf_attr attributes;
  std::memset(&attributes, 0, sizeof attributes);
  return attributes;
}

std::uint64_t address(const void* pointer) {
  return reinterpret_cast<std::uintptr_t>(pointer);
}

Result<bpf_prog_info> info_of(const Fd& program, void* code, std::uint32_t bytes) {
  bpf_prog_info info;
  std::memset(&info, 0, sizeof info);
  info.xlated_prog_insns = address(code);
  info.xlated_prog_len = bytes;
  bpf_attr attributes = nothing();
  attributes.info.bpf_fd = static_cast<std::uint32_t>(program.get());
  attributes.info.info_len = sizeof info;
  attributes.info.info = address(&info);
  if (bpf(BPF_OBJ_GET_INFO_BY_FD, attributes) != 0) return fail_errno(Kind::kernel, "reading a device program", errno);
  return info;
}

Result<Fd> load(const DeviceProgram& code, bool gpl) {
  bpf_attr attributes = nothing();
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.insns = address(code.data());
  attributes.insn_cnt = static_cast<std::uint32_t>(code.size());
  attributes.license = address(gpl ? "GPL" : "none");
  long number = bpf(BPF_PROG_LOAD, attributes);
  if (number < 0 && errno == EPERM) {
    // Before Linux 5.11 programs count as locked memory.
    const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
    (void)::setrlimit(RLIMIT_MEMLOCK, &unlimited);
    number = bpf(BPF_PROG_LOAD, attributes);
  }
  if (number < 0) return fail_errno(Kind::kernel, "loading a device program", errno);
  return Fd{static_cast<int>(number)};
}

}  // namespace

Result<AttachedPrograms> attached_to(int group) {
  std::array<std::uint32_t, most_programs> ids{};
  bpf_attr attributes = nothing();
  attributes.query.target_fd = static_cast<std::uint32_t>(group);
  attributes.query.attach_type = BPF_CGROUP_DEVICE;
  attributes.query.prog_ids = address(ids.data());
  attributes.query.prog_cnt = most_programs;
  if (bpf(BPF_PROG_QUERY, attributes) != 0) {
    if (errno == ENOSYS || errno == EINVAL) return AttachedPrograms{};  // a kernel without them
    return fail_errno(Kind::kernel, "asking for the device programs of a control group", errno);
  }
  return AttachedPrograms{{ids.begin(), ids.begin() + attributes.query.prog_cnt}, attributes.query.attach_flags};
}

Result<HeldProgram> hold_program(std::uint32_t id) {
  bpf_attr attributes = nothing();
  attributes.prog_id = id;
  const long number = bpf(BPF_PROG_GET_FD_BY_ID, attributes);
  if (number < 0) return fail_errno(Kind::kernel, "opening a device program", errno);
  HeldProgram held;
  held.fd = Fd{static_cast<int>(number)};
  const auto size = XC_TRY(info_of(held.fd, nullptr, 0)).xlated_prog_len;
  if (size % sizeof(bpf_insn) != 0 || size > most_bytes)
    return fail(Kind::kernel, "a device program of " + text::number(size) + " bytes");
  held.code.resize(size / sizeof(bpf_insn));
  const auto info = XC_TRY(info_of(held.fd, held.code.data(), size));
  if (size == 0 || info.xlated_prog_insns == 0)
    return fail(Kind::kernel,
                "the kernel does not show the container's device program, so it cannot be changed: is "
                "net.core.bpf_jit_harden 2?");
  held.gpl = info.gpl_compatible != 0;
  return held;
}

Result<> replace_program(int group, std::uint32_t flags, const HeldProgram& old, const DeviceProgram& code) {
  const Fd program = XC_TRY(load(reloadable(code), old.gpl));
  bpf_attr attributes = nothing();
  attributes.target_fd = static_cast<std::uint32_t>(group);
  attributes.attach_bpf_fd = static_cast<std::uint32_t>(program.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  attributes.attach_flags = flags;
  const bool several = (flags & BPF_F_ALLOW_MULTI) != 0;  // otherwise the only one is replaced anyway
  if (several) {
    attributes.attach_flags = flags | BPF_F_REPLACE;
    attributes.replace_bpf_fd = static_cast<std::uint32_t>(old.fd.get());
  }
  if (bpf(BPF_PROG_ATTACH, attributes) == 0) return {};
  if (!several || errno != EINVAL) return fail_errno(Kind::kernel, "attaching a device program", errno);
  attributes.attach_flags = flags;
  attributes.replace_bpf_fd = 0;
  if (bpf(BPF_PROG_ATTACH, attributes) != 0) return fail_errno(Kind::kernel, "attaching a device program", errno);
  attributes.attach_bpf_fd = static_cast<std::uint32_t>(old.fd.get());
  attributes.attach_flags = 0;
  if (bpf(BPF_PROG_DETACH, attributes) != 0) return fail_errno(Kind::kernel, "detaching a device program", errno);
  return {};
}

}  // namespace xc::sys
