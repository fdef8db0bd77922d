// What doctor sees of containers: those of the state directory, and the files of the one that was asked for.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "app/doctor.h"
#include "app/inputs.h"
#include "app/look.h"
#include "app/seen.h"
#include "base/pack.h"
#include "base/text.h"
#include "registry/providers.h"
#include "registry/records.h"
#include "sys/child.h"
#include "sys/unix_socket.h"

namespace xc::app {
namespace {

constexpr std::chrono::seconds patience{2};
constexpr long tmpfs_magic = 0x01021994;  // linux/magic.h

/// A provider's own socket, as its consumers' shims find it: inside its root.
advice::Endpoint endpoint_of(const registry::Provider& provider, const model::Offer& offer) {
  advice::Endpoint endpoint{provider.record.container.name, offer.name, std::string(model::name_of(offer.type)), {}};
  endpoint.place.path = offer.socket;
  const auto file = provider.root.resolve(offer.socket);
  struct stat info{};
  if (!file || ::fstat(file->get(), &info) != 0) return endpoint;
  endpoint.place.sort = S_ISSOCK(info.st_mode)  ? advice::Sort::socket
                        : S_ISCHR(info.st_mode) ? advice::Sort::character
                                                : advice::Sort::other;
  if (endpoint.place.sort != advice::Sort::socket) return endpoint;
  const auto kind =
      offer.socket_kind == model::SocketKind::seqpacket ? sys::SocketKind::seqpacket : sys::SocketKind::stream;
  const auto connected = sys::connect_path(*file, kind);
  endpoint.place.connecting = connected || connected.error().code == EAGAIN ? 0 : connected.error().code;
  return endpoint;
}

/// In a child with a deadline: the container's file system may be of its own making, and hang.
void add_offers(const registry::Record& record, advice::ContainerFact& fact) {
  const auto work = [&]() -> Result<sys::Answer> {
    const auto proc = XC_TRY(sys::Proc::open());
    const auto provider = XC_TRY(registry::hold(proc, record));
    std::vector<advice::Endpoint> found;
    for (const model::Offer& offer : record.offers)
      if (offer.socket.starts_with('/')) found.push_back(endpoint_of(provider, offer));
    return sys::Answer{pack(found)};
  };
  const auto answer = sys::run_child(work, std::chrono::steady_clock::now() + patience);
  auto found = answer ? unpack<std::vector<advice::Endpoint>>(answer->bytes) : std::unexpected(answer.error());
  if (found)
    fact.offers = std::move(*found);
  else
    fact.unseen = found.error().text;
}

advice::LinkFact fact_of(const shim::PostStatus& link) {
  const bool is_device = model::is_device(model::type_of(link.type).value_or(model::Type::raw_unix));
  return {link.service,  link.target,   link.state,       link.provider,     link.reason,
          link.restarts, link.refusals, link.passed_over, link.last_reasons, is_device};
}

advice::ContainerFact fact_of(const registry::StateDir& state, const Seen& seen) {
  advice::ContainerFact fact{seen.container, seen.pid, seen.alive, seen.shim, "", {}, {}, {}, ""};
  if (seen.shim.starts_with("unreadable: ")) fact.unreadable = seen.shim.substr(12);
  for (const auto& link : seen.links) fact.links.push_back(fact_of(link));
  const auto record = registry::read(state, registry::key_of(seen.container, seen.pid));
  if (!fact.alive || !record || !*record) return fact;
  add_offers(**record, fact);
  fact.devices = look_at_devices_of(**record);
  return fact;
}

/// The bundle of a container that runs, or the directory that a person means by `name`.
std::string directory_of(const DoctorOptions& options, const std::string& name) {
  const auto state = registry::StateDir::find(options.root + options.state);
  for (const auto& key :
       state ? registry::keys(*state).value_or(std::vector<std::string>{}) : std::vector<std::string>{})
    if (key.substr(0, key.rfind('.')) == name)
      if (const auto record = registry::read(*state, key); record && *record) return (**record).container.bundle;
  if (place_at(name).sort == advice::Sort::directory) return name;
  const std::string lxc = (options.lxcpath.empty() ? options.root + "/var/lib/lxc" : options.lxcpath) + "/" + name;
  return name.find('/') == std::string::npos && place_at(lxc).sort == advice::Sort::directory ? lxc : "";
}

void add_hooks(const std::string& file, advice::Bundle& bundle) {
  const auto read = [&]() -> Result<model::OciHooks> {
    const std::string text = XC_TRY(read_at(file));
    auto reader = XC_TRY(reader::Reader::start());
    const auto config = XC_TRY(reader.config(text, "config.json"));
    bundle.asks = bundle.asks || std::ranges::any_of(config.annotations, [](const auto& one) {
                    return one.first.starts_with("io.xconnect.");
                  });
    return reader.oci_hooks(text, "config.json");
  };
  if (auto hooks = read())
    bundle.hooks = std::move(hooks->calls);
  else
    bundle.error = hooks.error().text;
}

/// What nobody offers: neither the host nor a container that runs.
std::vector<std::string> unoffered(const DoctorOptions& options, const advice::Facts& facts, const model::Plan& plan) {
  std::vector<std::string> offered = facts.offered;
  if (const auto state = registry::StateDir::find(options.root + options.state))
    if (const auto market = registry::survey(*state))
      for (const auto& one : market->offered) offered.push_back(one.offer.name);
  std::vector<std::string> missing;
  for (const auto& link : plan.links)
    if (std::ranges::find(offered, link.service) == offered.end()) missing.push_back(link.service);
  return missing;
}

void add_plan(const DoctorOptions& options, const advice::Facts& facts, advice::Bundle& bundle) {
  PlanOptions wanted;
  wanted.bundle = bundle.directory;
  wanted.config = place_at(config_of(options)).sort == advice::Sort::directory ? config_of(options) : options.root;
  const auto plan = plan_from_files(wanted);
  if (!plan) {
    bundle.refusal = plan.error().text;
    return;
  }
  for (const auto& note : plan->notes)
    if (note.warning) bundle.warnings.push_back(note.text);
  bundle.asks = bundle.asks || !plan->links.empty() || !plan->offers.empty();
  bundle.unoffered = unoffered(options, facts, *plan);
}

}  // namespace

void look_at_containers(const DoctorOptions& options, advice::Facts& facts) {
  const std::string path = options.root + options.state;
  struct stat info{};
  facts.state.place = place_at(path);
  if (::lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode)) facts.state.place.sort = advice::Sort::link;
  struct statfs system{};
  if (::statfs(path.c_str(), &system) == 0) facts.state.volatile_memory = system.f_type == tmpfs_magic;
  if (facts.state.place.sort != advice::Sort::directory || ::geteuid() != 0) return;
  const auto state = registry::StateDir::find(path);
  const auto seen = see(path, "");
  if (!state || !seen) {
    facts.state.error = !state ? state.error().text : seen.error().text;
    return;
  }
  for (const Seen& one : *seen) facts.containers.push_back(fact_of(*state, one));
}

void look_at_bundle(const DoctorOptions& options, advice::Facts& facts) {
  facts.asked = options.container;
  if (options.container.empty()) return;
  const std::string directory = directory_of(options, options.container);
  if (directory.empty()) return;
  advice::Bundle bundle;
  bundle.directory = real_path_of(directory);
  bundle.name = options.container.find('/') == std::string::npos
                    ? options.container
                    : bundle.directory.substr(bundle.directory.rfind('/') + 1);
  for (const char* name : {"/run.json", "/args.json", "/services.json"})
    bundle.asks = bundle.asks || place_at(directory + name).sort != advice::Sort::missing;
  bundle.oci = place_at(directory + "/config.json").sort != advice::Sort::missing;
  bundle.lxc = place_at(directory + "/config").sort == advice::Sort::file;
  if (bundle.oci) add_hooks(directory + "/config.json", bundle);
  if (bundle.lxc) bundle.lines = lxc_lines_at(options.root, directory + "/config");
  add_plan(options, facts, bundle);
  facts.bundle = std::move(bundle);
}

}  // namespace xc::app
