// Build-time program: a reviewed list of system calls -> a classic BPF program as a C++ table, by libseccomp.
// Runs on the build machine, for any target: gen_seccomp NAME LIST ARCH > NAME.inc  (ARCH as in
// seccomp_arch_resolve_name(3))
//
// Doing this at build time keeps libseccomp and its heap out of every worker.
#include <linux/filter.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

namespace {

[[noreturn]] void die(const std::string& text) {
  std::cerr << "gen_seccomp: " << text << "\n";
  std::exit(1);
}

int allow(scmp_filter_ctx context, int call, const std::string& option) {
  if (option.empty()) return seccomp_rule_add(context, SCMP_ACT_ALLOW, call, 0);
  if (option == "unix") {
    const int inq = seccomp_rule_add(context, SCMP_ACT_ALLOW, call, 1, SCMP_A1(SCMP_CMP_EQ, SIOCINQ));
    return inq != 0 ? inq : seccomp_rule_add(context, SCMP_ACT_ALLOW, call, 1, SCMP_A1(SCMP_CMP_EQ, SIOCATMARK));
  }
  if (option != "anonymous") die("unknown restriction " + option);
  return seccomp_rule_add(context, SCMP_ACT_ALLOW, call, 2, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
                          SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS | MAP_SHARED, MAP_ANONYMOUS));
}

void add_list(scmp_filter_ctx context, std::uint32_t arch, const std::string& path) {
  std::ifstream file(path);
  if (!file) die("cannot read " + path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string name;
    std::string option;
    if (!(words >> name)) continue;
    words >> option;
    // 32-bit architectures map memory with mmap2, and have wider forms of calls that tell times and sizes.
    for (const std::string& variant : {name, name == "mmap" ? "mmap2" : name + "64"}) {
      // Rules are told by the numbers of the machine this runs on, whatever they are made for (seccomp_rule_add(3)); a
      // call that it has not has a number of libseccomp's own, below zero.
      const int call = seccomp_syscall_resolve_name(variant.c_str());
      const int there = seccomp_syscall_resolve_name_arch(arch, variant.c_str());
      if (there == __NR_SCMP_ERROR && variant == name) die("unknown system call " + name);
      if (there >= 0 && allow(context, call, option) != 0) die("cannot add " + variant);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) die("usage: gen_seccomp NAME LIST ARCH");
  const std::uint32_t arch = seccomp_arch_resolve_name(argv[3]);
  if (arch == 0) die(std::string("unknown architecture ") + argv[3]);
  scmp_filter_ctx context = seccomp_init(SCMP_ACT_KILL_PROCESS);
  if (context == nullptr) die("seccomp_init failed");
  if (arch != seccomp_arch_native() &&
      (seccomp_arch_remove(context, seccomp_arch_native()) != 0 || seccomp_arch_add(context, arch) != 0))
    die("cannot switch architecture");
  if (seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) != 0) die("cannot refuse other ABIs");
  add_list(context, arch, argv[2]);
  std::FILE* bytes = std::tmpfile();
  if (bytes == nullptr || seccomp_export_bpf(context, fileno(bytes)) != 0) die("cannot export");
  std::rewind(bytes);
  std::printf("// Made by gen_seccomp from %s for %s.\n", argv[1], argv[3]);
  std::printf("constexpr sock_filter %s_filter[] = {\n", argv[1]);
  for (sock_filter step{}; std::fread(&step, sizeof step, 1, bytes) == 1;)
    std::printf("    {0x%04x, %u, %u, 0x%08x},\n", step.code, step.jt, step.jf, step.k);
  std::printf("};\n");
  return 0;
}
