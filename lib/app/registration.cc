#include "app/registration.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/fd.h"
#include "base/json_out.h"
#include "base/text.h"
#include "registry/state_dir.h"
#include "shim/waiting_room.h"
#include "sys/small_file.h"

namespace xc::app {
namespace {

constexpr std::size_t file_limit = 65536;
const std::string hooks_d = "/usr/share/containers/oci/hooks.d/";

constexpr std::string_view precreate = "precreate";
constexpr std::string_view variables_file = "50-xconnect-variables.json";

/// xc-precreate stands beside xc-hook.
std::string precreate_beside(const std::string& program) {
  return program.substr(0, program.rfind('/') + 1) + "xc-precreate";
}

/// A fragment of config.json (runtime-spec, "POSIX-platform Hooks").
std::string oci_fragment(const std::string& program) {
  const auto hook = [&](const std::string& stage) {
    return "    \"" + stage + "\": [ { \"path\": \"" + program + "\", \"args\": [\"xc-hook\", \"" + stage +
           "\"], \"env\": [\"PATH=/usr/bin:/bin\"], \"timeout\": 10 } ]";
  };
  return "\"hooks\": {\n" + hook("createRuntime") + ",\n" + hook("poststop") + "\n}\n";
}

/// A file of hooks.d (oci-hooks(5)). Patterns there are searched for, not matched: hence the anchor.
std::string hooks_d_file(const std::string& program, const std::string& stage) {
  const std::string name = program.substr(program.rfind('/') + 1);
  return "{\n  \"version\": \"1.0.0\",\n  \"hook\": { \"path\": \"" + program + "\", \"args\": [\"" + name + "\"" +
         (stage == precreate ? "" : ", \"" + stage + "\"") +
         "], \"env\": [\"PATH=/usr/bin:/bin\"], \"timeout\": 10 },\n" +
         "  \"when\": { \"annotations\": { \"^io\\\\.xconnect\\\\.\": \"\" } },\n  \"stages\": [\"" + stage +
         "\"]\n}\n";
}

/// CRI-O reads podman's directory and format, and refuses all of it for a stage it does not know: precreate is
/// podman's.
std::vector<Registration> hooks_d_files(const std::string& engine, const std::string& program) {
  std::vector<Registration> files{{hooks_d + "50-xconnect.json", hooks_d_file(program, "createRuntime")},
                                  {hooks_d + "50-xconnect-end.json", hooks_d_file(program, "poststop")}};
  if (engine == "podman")
    files.push_back(
        {hooks_d + std::string(variables_file), hooks_d_file(precreate_beside(program), std::string(precreate))});
  return files;
}

std::string lxc_lines(const std::string& program) {
  return "lxc.hook.start-host = " + program + "\nlxc.hook.post-stop = " + program + "\n";
}

/// A member of args.json, from which pvr makes each participating container's LXC configuration.
std::string pvr_argument(const std::string& program) {
  return R"("PV_LXC_EXTRA_CONF": "lxc.hook.start-host = )" + program + R"(\nlxc.hook.post-stop = )" + program + "\"\n";
}

Result<Fd> make_directories(const std::string& path) {
  for (std::size_t end = 1; end != std::string::npos && end < path.size();) {
    end = path.find('/', end + 1);
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), 0755) != 0 && errno != EEXIST) return fail_errno(Kind::kernel, part, errno);
  }
  Fd directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!directory) return fail_errno(Kind::kernel, path, errno);
  return directory;
}

Result<> replace(const Fd& directory, const std::string& name, const std::string& text) {
  const std::string fresh = "." + name + ".new";
  const Fd file{::openat(directory.get(), fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644)};
  const bool written = file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  if (written && ::renameat(directory.get(), fresh.c_str(), directory.get(), name.c_str()) == 0) return {};
  const int code = errno;
  (void)::unlinkat(directory.get(), fresh.c_str(), 0);
  return fail_errno(Kind::kernel, name, code);
}

Result<> has_directory(const std::string& engine, const std::vector<Registration>& all) {
  if (std::ranges::none_of(all, [](const auto& one) { return one.path.empty(); })) return {};
  return fail(Kind::usage, engine + " has no directory for hooks: put what `xc-inject hooks print " + engine +
                               "` says into the container's own configuration");
}

}  // namespace

std::string seccomp_member(const std::string& listener) {
  // A program of an architecture that is not listed would be killed.
#if defined(__x86_64__)
  constexpr std::string_view architectures = R"("SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32")";
#elif defined(__aarch64__)
  constexpr std::string_view architectures = R"("SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM")";
#else
  constexpr std::string_view architectures = R"("SCMP_ARCH_ARM")";
#endif
  return "\"seccomp\": {\n    \"defaultAction\": \"SCMP_ACT_ALLOW\",\n    \"architectures\": [ " +
         std::string(architectures) + " ],\n    \"listenerPath\": " + json_string(listener) +
         ",\n    \"syscalls\": [ " + std::string(connect_rule) + " ]\n}\n";
}

Result<Registration> redirection(const std::string& engine, const std::string& name, const std::string& state) {
  if (engine != "runc" && engine != "crun")
    return fail(Kind::usage, "--connect is for runc and crun, whose config.json a person writes" +
                                 std::string(engine == "podman" ? "; for podman xc-precreate adds it" : ""));
  if (!text::is_name(name)) return fail(Kind::usage, text::quoted(name) + ": not a name that a container may have");
  return Registration{"", seccomp_member(registry::redirector_of(state, name))};
}

Result<> await_engine(const std::string& name, const std::string& state) {
  if (!text::is_name(name)) return fail(Kind::usage, text::quoted(name) + ": not a name that a container may have");
  return shim::open_waiting_room(XC_TRY(registry::StateDir::open(state)), name, std::chrono::seconds(60));
}

Result<> check_program(const std::string& program) {
  // It goes into JSON, into LXC's configuration and through LXC's `sh -c` without quoting.
  constexpr std::string_view plain = "/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+";
  if (!program.starts_with('/') || program.find_first_not_of(plain) != std::string::npos)
    return fail(Kind::usage, text::quoted(program) + ": the hook must be an absolute path of letters, digits and ._-+");
  return {};
}

const std::vector<std::string>& registration_engines() {
  static const std::vector<std::string> known{"runc", "crun", "podman", "crio", "lxc", "pantavisor"};
  return known;
}

Result<std::vector<Registration>> registrations(const std::string& engine, const std::string& program) {
  XC_CHECK(check_program(program));
  if (engine == "runc" || engine == "crun") return std::vector<Registration>{{"", oci_fragment(program)}};
  if (engine == "podman" || engine == "crio") return hooks_d_files(engine, program);
  if (engine == "lxc")
    return std::vector<Registration>{{"/usr/share/lxc/config/common.conf.d/50-xconnect.conf", lxc_lines(program)}};
  if (engine == "pantavisor") return std::vector<Registration>{{"", pvr_argument(program)}};
  return fail(Kind::usage,
              text::quoted(engine) + ": no such engine; known are " + text::join(registration_engines(), ", "));
}

Result<std::vector<std::string>> install(const std::string& engine, const std::string& program,
                                         const std::string& root) {
  const auto all = XC_TRY(registrations(engine, program));
  XC_CHECK(has_directory(engine, all));
  // An engine passes over a hook whose program is not there, in silence: the container would run without its links.
  for (const std::string& needed : {program, engine == "podman" ? precreate_beside(program) : program})
    if (::access((root + needed).c_str(), X_OK) != 0) return fail_errno(Kind::usage, root + needed, errno);
  if (engine == "crio" && ::access((root + hooks_d + std::string(variables_file)).c_str(), F_OK) == 0)
    return fail(Kind::usage, root + hooks_d + std::string(variables_file) +
                                 ": CRI-O refuses the directory while it holds podman's stage precreate; before this: "
                                 "xc-inject hooks remove podman");
  std::vector<std::string> written;
  for (const Registration& one : all) {
    const std::string path = root + one.path;
    const auto slash = path.rfind('/');
    const Fd directory = XC_TRY(make_directories(path.substr(0, slash)));
    const std::string name = path.substr(slash + 1);
    if (const auto present = sys::read_file(directory.get(), name, file_limit); present && *present == one.text)
      continue;
    XC_CHECK_IN(path.substr(0, slash), replace(directory, name, one.text));
    written.push_back(path);
  }
  return written;
}

Result<> write_file(const std::string& path, const std::string& text) {
  const auto slash = path.rfind('/');
  const Fd directory = XC_TRY(make_directories(path.substr(0, slash)));
  return replace(directory, path.substr(slash + 1), text);
}

Result<std::vector<std::string>> uninstall(const std::string& engine, const std::string& root) {
  const auto all = XC_TRY(registrations(engine, "/"));
  XC_CHECK(has_directory(engine, all));
  std::vector<std::string> removed;
  for (const Registration& one : all) {
    const std::string path = root + one.path;
    if (::unlink(path.c_str()) == 0)
      removed.push_back(path);
    else if (errno != ENOENT)
      return fail_errno(Kind::kernel, path, errno);
  }
  return removed;
}

}  // namespace xc::app
