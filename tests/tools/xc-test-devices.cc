// Looks at the device control groups of a process from outside, and spoils them as others do: for the engine tests.
//
//   xc-test-devices rules PID            what a grid of devices may be used for, a line each; of version 1 the list
//   xc-test-devices size PID             how long the programs of its groups are, all in all
//   xc-test-devices drop PID MAJOR:MINOR takes our rule away, as a daemon-reload of systemd does
//   xc-test-devices forbid DIRECTORY     attaches a program to a control group that forbids everything
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "base/text.h"
#include "sys/bpf.h"
#include "sys/cgroup_paths.h"
#include "sys/device_group.h"
#include "sys/small_file.h"

namespace {

using namespace xc;

constexpr std::size_t limit = 1U << 20U;

struct Subject {
  sys::Proc proc;
  sys::Process process;
  sys::DeviceGroup group;
};

Result<Subject> subject_of(const char* pid) {
  auto proc = XC_TRY(sys::Proc::open());
  auto process = XC_TRY(sys::open_process(proc, static_cast<pid_t>(text::parse_number(pid).value_or(0))));
  auto group = XC_TRY(sys::DeviceGroup::open(proc, process));
  return Subject{std::move(proc), std::move(process), std::move(group)};
}

/// Every program of the group must agree; a few majors and all minors that are of interest.
void print_grid(const std::vector<sys::DeviceProgram>& programs) {
  for (const std::uint32_t type : {BPF_DEVCG_DEV_BLOCK, BPF_DEVCG_DEV_CHAR})
    for (const std::uint32_t major : {1U, 5U, 8U, 10U, 226U})
      for (std::uint32_t minor = 0; minor < 260; ++minor)
        for (std::uint32_t access = 1; access < 8; ++access) {
          bool all = true;
          for (const auto& program : programs)
            all = all && sys::verdict_of(program, {type, major, minor, access}) == true;
          if (all) std::printf("%c %u:%u %u\n", type == BPF_DEVCG_DEV_CHAR ? 'c' : 'b', major, minor, access);
        }
}

Result<> print_rules(const char* pid) {
  const auto subject = XC_TRY(subject_of(pid));
  for (const int directory : subject.group.directories()) {
    const auto list = sys::read_file(directory, "devices.list", limit);
    if (list) {
      std::fputs(list->c_str(), stdout);
      continue;
    }
    std::vector<sys::DeviceProgram> programs;
    const auto attached = XC_TRY(sys::attached_to(directory));
    for (const auto id : attached.ids) {
      auto program = XC_TRY(sys::hold_program(id));
      programs.push_back(std::move(program.code));
    }
    if (!programs.empty()) print_grid(programs);
  }
  return {};
}

Result<> print_size(const char* pid) {
  const auto subject = XC_TRY(subject_of(pid));
  std::size_t instructions = 0;
  for (const int directory : subject.group.directories()) {
    const auto attached = sys::attached_to(directory);  // version 1 has none
    for (const auto id : attached ? attached->ids : std::vector<std::uint32_t>{})
      instructions += XC_TRY(sys::hold_program(id)).code.size();
  }
  std::printf("%zu\n", instructions);
  return {};
}

Result<> drop(const char* pid, const std::string& device) {
  const auto subject = XC_TRY(subject_of(pid));
  const auto colon = device.find(':');
  const auto major = text::parse_number(device.substr(0, colon)).value_or(0);
  const auto minor = text::parse_number(device.substr(colon + 1)).value_or(0);
  const sys::DeviceNumber number{static_cast<unsigned>(major), static_cast<unsigned>(minor)};
  bool listed = false;
  for (const int directory : subject.group.directories())
    listed = listed || ::faccessat(directory, "devices.list", F_OK, 0) == 0;
  return subject.group.withdraw(number, {.listed = listed, .programmed = true});
}

Result<> forbid(const char* directory) {
  const Fd group{::open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!group) return fail_errno(Kind::kernel, directory, errno);
  const sys::DeviceProgram code{{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, 0}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}};
  bpf_attr attributes;
  std::memset(&attributes, 0, sizeof attributes);
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.insns = reinterpret_cast<std::uintptr_t>(code.data());
  attributes.insn_cnt = static_cast<std::uint32_t>(code.size());
  attributes.license = reinterpret_cast<std::uintptr_t>("none");
  const Fd program{static_cast<int>(::syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes))};
  if (!program) return fail_errno(Kind::kernel, "loading", errno);
  std::memset(&attributes, 0, sizeof attributes);
  attributes.target_fd = static_cast<std::uint32_t>(group.get());
  attributes.attach_bpf_fd = static_cast<std::uint32_t>(program.get());
  attributes.attach_type = BPF_CGROUP_DEVICE;
  attributes.attach_flags = BPF_F_ALLOW_MULTI;
  if (::syscall(SYS_bpf, BPF_PROG_ATTACH, &attributes, sizeof attributes) == 0) return {};
  return fail_errno(Kind::kernel, "attaching", errno);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string verb = argc > 2 ? argv[1] : "";
  Result<> done = fail(Kind::usage, "xc-test-devices rules PID | size PID | drop PID MAJOR:MINOR | forbid DIRECTORY");
  if (verb == "rules") done = print_rules(argv[2]);
  if (verb == "size") done = print_size(argv[2]);
  if (verb == "drop" && argc > 3) done = drop(argv[2], argv[3]);
  if (verb == "forbid") done = forbid(argv[2]);
  if (done) return 0;
  std::fprintf(stderr, "%s\n", done.error().text.c_str());
  return exit_code(done.error().kind);
}
