#include "app/look.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdint>
#include <cstdlib>

#include "app/inputs.h"
#include "base/text.h"
#include "inject/nodes.h"
#include "plan/planner.h"
#include "plan/rules.h"
#include "reader/files.h"
#include "registry/state_dir.h"
#include "sys/own_users.h"

namespace xc::app {
namespace {

constexpr std::size_t manifest_limit = 64UL * 1024;
constexpr std::chrono::seconds patience{2};

std::string base_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

/// Absolute, so that "." has a name too.
Result<std::string> directory_named(const std::string& path) {
  std::array<char, PATH_MAX> real{};
  if (::realpath(path.c_str(), real.data()) == nullptr) return fail_errno(Kind::usage, path, errno);
  return std::string(real.data());
}

std::string kind_by_name(const std::string& file) {
  const std::string name = base_name(file);
  for (const char* kind : {"run", "args", "services"})
    if (name == std::string(kind) + ".json") return kind;
  return "";
}

Result<std::string> read_file(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const Fd handle{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!handle) return fail_errno(Kind::usage, path, errno);
  // Whoever owns it: here it is only looked at.
  auto document = reader::read_document(handle.get(), base_name(path), manifest_limit, reader::Keeper::image);
  if (!document && document.error().kind == Kind::kernel) document.error().kind = Kind::usage;  // it cannot be read
  auto text = XC_TRY(std::move(document));
  if (!text) return fail(Kind::usage, path + ": is not there");
  return std::move(*text);
}

/// A plan for a container of which nothing is known but this one document.
Result<std::vector<std::string>> plan_alone(model::Manifest wants, const model::Exports& offers) {
  std::uint32_t port = 0;
  for (auto& wanted : wants.requirements) {  // a declaration may say where a vchan's other end is
    if (!wanted.vchan) continue;
    if (!wanted.vchan->server) wanted.vchan->server = UINT32_MAX;
    if (!wanted.vchan->port) wanted.vchan->port = port++;
  }
  model::Container container;
  container.name = "container";
  const auto plan = XC_TRY(plan::make_plan(container, wants, offers, model::Origin::host, model::Policy{},
                                           model::HostFacts{.known_container = false}));
  std::vector<std::string> warnings;
  for (const auto& note : plan.notes)
    if (note.warning) warnings.push_back(note.text);
  return warnings;
}

/// The warnings that a document deserves; an error when a hook would refuse it.
Result<std::vector<std::string>> examine(reader::Reader& reader, const std::string& kind, const std::string& text,
                                         const std::string& file) {
  if (kind == "run") return plan_alone(XC_TRY(reader.run(text, file)), {});
  if (kind == "args") return plan_alone(XC_TRY(reader.args(text, file)), {});
  if (kind == "policy") {
    auto policy = XC_TRY(reader.policy(text, file));
    return std::move(policy.warnings);
  }
  const auto offers = XC_TRY(reader.services(text, file));
  XC_CHECK_IN(file, plan::check_offers(offers));
  return plan_alone({}, offers);
}

Result<std::vector<std::string>> examine_file(const std::string& file, std::string& kind) {
  auto reader = XC_TRY(reader::Reader::start());
  const std::string text = XC_TRY(read_file(file));
  if (kind.empty()) kind = kind_by_name(file);
  if (kind.empty()) kind = XC_TRY(reader.label(text, file)).kind;
  if (kind.empty()) return fail(Kind::usage, file + ": what is it? say --as run, args, services or policy");
  auto examined = examine(reader, kind, text, file);
  // What no hook would plant, or allow, is a mistake of the file.
  if (!examined && (examined.error().kind == Kind::plant || examined.error().kind == Kind::policy))
    examined.error().kind = Kind::manifest;
  return examined;
}

}  // namespace

Verdict check(const std::string& file, const std::string& kind) {
  Verdict verdict;
  verdict.file = file;
  verdict.kind = kind;
  auto examined = examine_file(file, verdict.kind);
  verdict.good = examined.has_value();
  if (examined) {
    verdict.warnings = std::move(*examined);
  } else {
    verdict.error = examined.error().text;
    const std::string label = text::printable(file);  // rules about several entries name none of them
    if (!verdict.error.starts_with(label)) verdict.error = label + ": " + verdict.error;
    verdict.sort = examined.error().kind;
  }
  return verdict;
}

Result<model::Plan> plan_from_files(const PlanOptions& options) {
  auto reader = XC_TRY(reader::Reader::start());
  const HostConfig host = XC_TRY(read_host_config(reader, options.config));
  model::OciState state;
  state.bundle = XC_TRY(directory_named(options.bundle));
  state.id = options.name.empty() ? base_name(state.bundle) : options.name;
  auto engine_reader = XC_TRY(reader::Reader::start());  // as the hook does
  auto container = read_oci_container(engine_reader, state);
  if (!container) {
    if (container.error().code != ENOENT) return std::unexpected(container.error());
    container.emplace();  // no OCI bundle: the directory of an LXC container, or manifests alone
    container->name = state.id;
    container->bundle = state.bundle;
  }
  HookOptions manifests_of;
  manifests_of.run = options.run;
  manifests_of.services = options.services;
  const auto manifests = XC_TRY(read_manifests(reader, *container, manifests_of));
  model::HostFacts facts{.offered = host.services, .known_container = false};
  facts.rootless = !sys::is_root_of_the_machine();
  if (container->pid == 0 && !container->root.empty())  // a bundle: config.json was there
    facts.redirector = registry::redirector_of(std::string(registry::default_state_dir), container->name);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  const auto proc = XC_TRY(sys::Proc::open());
  facts.nodes = XC_TRY(inject::look_at_devices(proc, facts.offered, {}, manifests.wants, deadline));
  return plan::make_plan(*container, manifests.wants, manifests.offers.value_or(model::Exports{}), model::Origin::host,
                         host.policy, facts);
}

}  // namespace xc::app
