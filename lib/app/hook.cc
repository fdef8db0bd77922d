#include "app/hook.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <iterator>
#include <map>
#include <string>

#include "app/inputs.h"
#include "app/launcher.h"
#include "app/trail.h"
#include "base/text.h"
#include "grant/hosted_bus.h"
#include "inject/container.h"
#include "inject/injector.h"
#include "inject/nodes.h"
#include "plan/planner.h"
#include "plan/rules.h"
#include "registry/leftovers.h"
#include "registry/providers.h"
#include "shim/waiting_room.h"
#include "sys/log.h"
#include "sys/own_users.h"

namespace xc::app {
namespace {

constexpr std::chrono::seconds patience_with_stdin{1};

struct Hook {
  const HookOptions& options;
  sys::Deadline deadline;
  reader::Reader reader;
  HostConfig host;
  sys::Proc proc;
};

/// The stage of an OCI call. An explicit word wins; the state alone tells creation from the end.
Result<model::Stage> stage_of(const Call& call, const model::OciState& state) {
  if (call.stage == model::Stage::stopped) return model::Stage::stopped;
  if (state.status == "stopped" && call.stage == model::Stage::create)
    return fail(Kind::kernel, "the container has ended");
  if (state.status == "stopped") return model::Stage::stopped;
  if (state.status != "creating" && state.status != "created")
    return fail(Kind::usage, "the container is " + state.status + " already: use the hook stage createRuntime");
  // createContainer and startContainer hooks see the container's own pid numbers: 1 from runc, 0 from crun.
  if (state.pid <= 1)
    return fail(Kind::usage, "called inside the container's namespaces: use the hook stage createRuntime");
  return model::Stage::create;
}

/// podman gives an image's annotations to the container as if its user had typed them.
bool may_be_the_images(const std::map<std::string, std::string>& all) {
  const auto manager = all.find("io.container.manager");
  return manager != all.end() && manager->second == "libpod";
}

void warn_of_annotations(const model::Container& container, const model::Policy& policy) {
  const auto& all = container.annotations;
  if (policy.present || !may_be_the_images(all)) return;
  if (std::ranges::any_of(all, [](const auto& one) { return one.first.starts_with("io.xconnect."); }))
    log::warning(container.name +
                 ": its io.xconnect annotations are trusted, though podman may have them from the image; say what "
                 "containers may use in a file of /etc/xconnect/policy.d");
}

Result<> serve(Hook& hook, const model::Container& container, const std::optional<Trail>& trail = {}) {
  warn_of_annotations(container, hook.host.policy);
  auto manifests = XC_TRY(read_manifests(hook.reader, container, hook.options));
  if (trail) XC_CHECK(complete(manifests, *trail, hook.options));
  const auto held = XC_TRY(inject::hold(hook.proc, container));
  // Without policy everybody is trusted, and was warned of; with it, an image that names a manifest is but an image.
  const bool doubtful = manifests.annotated && hook.host.policy.present && may_be_the_images(container.annotations);
  auto origin = doubtful ? model::Origin::image : model::Origin::host;
  if (!manifests.offers) {
    manifests.offers = XC_TRY(read_image_offers(hook.reader, held.root, hook.deadline));
    origin = model::Origin::image;
  }
  if (manifests.wants.requirements.empty() && !manifests.offers) return {};

  const auto state = XC_TRY(registry::StateDir::open(hook.options.state));
  (void)registry::sweep(state, container.name);
  const auto market = XC_TRY(registry::survey(state, sought_by(manifests.wants)));
  model::HostFacts facts{.offered = all_offered(market.offered, hook.host), .shared_netns = held.shared_net};
  if (plan::may_need_network(manifests.wants))
    facts.net_neighbours = XC_TRY(inject::has_net_neighbours(hook.proc, held));
  if (container.engine == model::Engine::oci) facts.redirector = registry::redirector_of(state.path(), container.name);
  facts.nodes =
      XC_TRY(inject::look_at_devices(hook.proc, facts.offered, market.providers, manifests.wants, hook.deadline));
  facts.rootless = !sys::is_root_of_the_machine();
  if (trail) {
    facts.declared = trail->declared;
    facts.others_may_offer = true;
  }

  const auto plan = XC_TRY(plan::make_plan(container, manifests.wants, manifests.offers.value_or(model::Exports{}),
                                           origin, hook.host.policy, facts));
  for (const auto& note : plan.notes)
    if (note.warning) log::warning(container.name + ": " + note.text);
  const auto applied = XC_TRY(inject::apply(
      {hook.proc, state, held, launcher(hook.host.services, state, held, hook.deadline), hook.deadline}, plan));
  for (const auto& warning : applied.warnings) log::warning(container.name + ": " + warning);
  return {};
}

/// The engine says that the container is gone. Its shim knows already, and has cleaned up unless it was killed.
Result<> clean_up(const HookOptions& options, const std::string& name) {
  const auto state = registry::StateDir::find(options.state);
  if (!state) return {};
  (void)registry::sweep_stopped(*state, name);
  return {};
}

Result<> run_lxc(Hook& hook, const Call& call) {
  const LxcCall& said = *call.lxc;
  model::Container container;
  container.engine = model::Engine::lxc;
  container.name = said.name;
  container.pid = said.pid;
  container.bundle = said.directory;
  container.root = said.root;
  if (said.pid <= 1) return fail(Kind::usage, "LXC_PID is not set: use lxc.hook.start-host");
  const auto trail = XC_TRY_IN(said.name, read_trail(hook.reader, said.name, said.directory, hook.options));
  if (trail) {
    container.bundle = trail->directory;
    for (const auto& warning : trail->warnings) log::warning(said.name + ": " + warning);
    const auto is_bus = [](const model::Offered& one) { return one.offer.name == grant::hosted_bus_name; };
    if (trail->bus && std::ranges::none_of(hook.host.services, is_bus)) hook.host.services.push_back(*trail->bus);
  }
  XC_CHECK_IN(said.name, serve(hook, container, trail));
  return {};
}

Result<> run_oci(Hook& hook, const model::OciState& state) {
  // A reader of its own: config.json holds the image's words, and the host's run.json is read after it.
  auto engine_reader = XC_TRY(reader::Reader::start());
  const auto container = XC_TRY_IN(state.id, read_oci_container(engine_reader, state));
  const auto served = serve(hook, container);
  if (served) return {};
  const auto kept = registry::StateDir::find(hook.options.state);
  if (kept && container.notified == registry::redirector_of(kept->path(), container.name))
    shim::close_waiting_room(*kept, container.name);
  return std::unexpected(in_context(state.id, served.error()));
}

}  // namespace

Result<> open_log(const HookOptions& options) {
  if (options.log.empty()) return {};
  // O_NONBLOCK: neither the opening of a FIFO nor a line to a full one may hold up a start.
  constexpr int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC;
  Fd file{::open(options.log.c_str(), flags, 0600)};
  if (!file) return fail_errno(Kind::usage, options.log, errno);
  log::also_to(std::move(file));
  return {};
}

void hear_out() {
  (void)read_standard_input(std::chrono::steady_clock::now() + patience_with_stdin);
}

Result<> run_hook(const Call& call) {
  const auto now = std::chrono::steady_clock::now();
  const auto deadline = now + std::chrono::milliseconds(call.options.deadline_ms);
  if (::geteuid() != 0) {
    if (!call.lxc) hear_out();
    return fail(Kind::usage,
                "called as user " + text::number(::geteuid()) +
                    ", who may not enter a container: podman calls hooks as root of the user's namespace (for other "
                    "engines: podman unshare), or call it as root");
  }
  // Standard input first and always to its end: crun fails the container when a hook does not read it.
  model::OciState state;
  if (!call.lxc) {
    const std::string text = XC_TRY(read_standard_input(std::min(deadline, now + patience_with_stdin)));
    auto reader = XC_TRY(reader::Reader::start());
    state = XC_TRY(reader.state(text));
  }
  // Before anything of the host is read: a mistake in its policy must not keep what a dead container left.
  const auto stage = call.lxc ? call.stage : XC_TRY_IN(state.id, stage_of(call, state));
  if (stage == model::Stage::stopped) return clean_up(call.options, call.lxc ? call.lxc->name : state.id);
  auto reader = XC_TRY(reader::Reader::start());
  Hook hook{call.options, deadline, std::move(reader), {}, XC_TRY(sys::Proc::open())};
  hook.host = XC_TRY(read_host_config(hook.reader, call.options.config));
  for (const auto& warning : hook.host.warnings) log::warning(warning);
  return call.lxc ? run_lxc(hook, call) : run_oci(hook, state);
}

}  // namespace xc::app
