#include "app/call.h"

#include <getopt.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/text.h"

namespace xc::app {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

Result<std::string> absolute(const std::string& path) {
  if (path.empty() || path.front() == '/') return path;
  std::array<char, PATH_MAX> here{};
  if (::getcwd(here.data(), here.size()) == nullptr)
    return fail_errno(Kind::usage, path + ": working directory", errno);
  return std::string(here.data()) + "/" + path;
}

model::Stage stage_of(std::string_view word) {
  for (const std::string_view known : {"createRuntime", "prestart", "start-host"})
    if (word == known) return model::Stage::create;
  for (const std::string_view known : {"poststop", "post-stop"})
    if (word == known) return model::Stage::stopped;
  return model::Stage::other;
}

Result<unsigned> milliseconds(const char* argument) {
  const auto value = text::parse_number(argument);
  if (!value || *value == 0 || *value > 60'000)
    return fail(Kind::usage, "--deadline: expected 1 to 60000 milliseconds");
  return static_cast<unsigned>(*value);
}

Result<HookOptions> parse_options(int argc, char** argv) {
  static constexpr std::array<option, 9> known{{{"state", required_argument, nullptr, 's'},
                                                {"config", required_argument, nullptr, 'c'},
                                                {"log", required_argument, nullptr, 'l'},
                                                {"deadline", required_argument, nullptr, 'd'},
                                                {"run", required_argument, nullptr, 'r'},
                                                {"services", required_argument, nullptr, 'e'},
                                                {"storage", required_argument, nullptr, 't'},
                                                {"require", required_argument, nullptr, 'q'},
                                                {nullptr, 0, nullptr, 0}}};
  HookOptions options;
  opterr = 0;
  for (int choice = 0; (choice = ::getopt_long(argc, argv, "+", known.data(), nullptr)) != -1;) {
    switch (choice) {
      case 's': options.state = XC_TRY(absolute(optarg)); break;
      case 'c': options.config = XC_TRY(absolute(optarg)); break;
      case 'l': options.log = XC_TRY(absolute(optarg)); break;
      case 'd': options.deadline_ms = XC_TRY(milliseconds(optarg)); break;
      case 'r': options.run = XC_TRY(absolute(optarg)); break;
      case 'q': options.require.emplace_back(optarg); break;
      case 'e': options.services = XC_TRY(absolute(optarg)); break;
      case 't': options.storage = XC_TRY(absolute(optarg)); break;
      default: return fail(Kind::usage, "unknown option, or one without its value; see xc-hook --help");
    }
  }
  return options;
}

/// "dir:/path", "/path"; other backing stores (overlay:, zfs:) have no single directory on the host.
std::string plain_directory(std::string path) {
  if (path.starts_with("dir:")) path.erase(0, 4);
  return path.starts_with('/') ? path : "";
}

/// A daemon of LXC works in "/", where a relative name of its configuration means nothing. Without that directory no
/// manifest is found, and the container would run without its links.
Result<> check_configuration(const LxcCall& call) {
  const std::string file = variable("LXC_CONFIG_FILE");
  if (file.empty() || file.front() == '/') return {};
  const std::string path = call.directory + "/" + file.substr(file.rfind('/') + 1);
  if (::access(path.c_str(), F_OK) == 0) return {};
  return fail(Kind::usage, "LXC_CONFIG_FILE is " + text::quoted(file) + ", and " + text::printable(path) +
                               ": is not there; start the container with an absolute path: lxc-start -f /...");
}

Result<LxcCall> lxc_call(const std::vector<std::string>& words) {
  LxcCall call;
  call.name = variable("LXC_NAME");
  call.type = variable("LXC_HOOK_TYPE");
  if (words.size() >= 3 && words[1] == "lxc") {  // hook version 0
    call.name = words[0];
    call.type = words[2];
  }
  call.pid = static_cast<std::int64_t>(text::parse_number(variable("LXC_PID")).value_or(0));
  const std::string file = XC_TRY(absolute(variable("LXC_CONFIG_FILE")));
  call.directory = file.substr(0, std::max(file.rfind('/'), std::size_t{1}));
  call.root = plain_directory(variable("LXC_ROOTFS_PATH"));
  return call;
}

}  // namespace

Result<Call> recognise(int argc, char** argv) {
  Call call;
  call.options = XC_TRY(parse_options(argc, argv));
  const std::vector<std::string> words(argv + optind, argv + argc);
  // A stage of OCI says who calls, whatever LXC left in the environment: an engine may itself run in LXC's hook.
  const bool said_by_oci = words.size() == 1 && !words[0].contains('-') && stage_of(words[0]) != model::Stage::other;
  if ((!said_by_oci && !variable("LXC_NAME").empty()) || (words.size() >= 3 && words[1] == "lxc")) {
    call.lxc = XC_TRY(lxc_call(words));
    call.stage = stage_of(call.lxc->type);
    if (call.stage == model::Stage::other)
      return fail(Kind::usage, "LXC hook type \"" + text::printable(call.lxc->type) +
                                   "\": use lxc.hook.start-host and lxc.hook.post-stop");
    if (call.stage == model::Stage::create) XC_CHECK(check_configuration(*call.lxc));
    return call;
  }
  if (words.size() > 1) return fail(Kind::usage, "too many arguments; see xc-hook --help");
  if (!words.empty()) {
    call.stage = stage_of(words.front());
    if (call.stage == model::Stage::other)
      return fail(Kind::usage,
                  "stage \"" + text::printable(words.front()) + "\": use createRuntime (or prestart) and poststop");
  }
  return call;
}

std::string hook_help() {
  return "usage: xc-hook [OPTION...] [STAGE]\n"
         "\n"
         "Called by a container engine, not by hand: as OCI hook createRuntime and poststop (runc, crun, podman), "
         "with\n"
         "the container's state on standard input; as lxc.hook.start-host and lxc.hook.post-stop (LXC).\n"
         "It plants what the container was granted before its first instruction runs, or the container does not "
         "start.\n"
         "\n"
         "  --state DIR      state directory (/run/xconnect; for podman without root /run/user/UID/xconnect)\n"
         "  --config DIR     host policy and host services: DIR/policy.d, DIR/services.d (/etc/xconnect)\n"
         "  --run FILE       what the container asks for, instead of run.json beside config.json\n"
         "  --services FILE  what the container offers, instead of services.json beside config.json\n"
         "  --storage DIR    Pantavisor's storage, where the LXC configuration does not lie in it "
         "(DIR/trails/current)\n"
         "  --require NAME=TARGET[;role=ROLE]  asks for that service as well; once for each service, and in "
         "quotes\n"
         "                   where a shell reads the line, as LXC's does\n"
         "  --log FILE       append log lines to FILE as well\n"
         "  --deadline MS    give up after so many milliseconds (2000)\n"
         "  --version, --help\n"
         "\n"
         "Exit status: 0 done, 64 usage, 70 internal error, 71 kernel or engine, 73 cannot plant, 75 deadline,\n"
         "77 refused by policy, 78 manifest or configuration. See xc-hook(8).\n";
}

}  // namespace xc::app
