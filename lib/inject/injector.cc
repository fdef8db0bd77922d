#include "inject/injector.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <optional>

#include "base/text.h"
#include "inject/planting.h"
#include "registry/leftovers.h"
#include "sys/device_group.h"
#include "sys/id_map.h"
#include "sys/lent_node.h"
#include "sys/staged_node.h"
#include "sys/unix_socket.h"

namespace xc::inject {
namespace {

constexpr int backlog = 128;
constexpr std::chrono::milliseconds patience_to_undo{500};
constexpr mode_t everybody_inside =
    0666;  // the directory around it is root's alone; inside, the link is the container's

sys::SocketKind kind_of(model::SocketKind kind) {
  if (kind == model::SocketKind::seqpacket) return sys::SocketKind::seqpacket;
  return kind == model::SocketKind::datagram ? sys::SocketKind::dgram : sys::SocketKind::stream;
}

std::string entry_name(std::uint32_t index) {
  return text::number(index) + ".sock";
}

/// The number of a listener that is above those of all that are there.
std::uint32_t free_name(int directory) {
  std::uint64_t free = 0;
  for (const auto& name : registry::names_in(directory).value_or(std::vector<std::string>{}))
    if (name.ends_with(".sock"))
      free = std::max(free, text::parse_number(name.substr(0, name.size() - 5)).value_or(0) + 1);
  return static_cast<std::uint32_t>(free);
}

/// One application of one plan.
class Application {
 public:
  Application(const Tools& tools, const model::Plan& plan) : tools_(tools), plan_(plan) {
    record_.container = plan.container;
    record_.container.env.clear();          // it may hold secrets, and nobody needs it any more
    record_.container.annotations.clear();  // of any size: a record must stay readable, for others too
    record_.init = {plan.container.pid, tools.container.init.start_time};
    record_.root = tools.container.root_id;
    record_.offers_origin = plan.offers_origin;
    record_.offers = plan.offers;
  }

  /// What is there already stays, whatever happens.
  Application(const Tools& tools, const model::Plan& plan, registry::Reentered held)
      : tools_(tools),
        plan_(plan),
        record_(held.record),
        entry_(std::move(held.entry)),
        before_(std::move(held.record)) {
    first_name_ = free_name(entry_->directory.get());
  }

  Result<Applied> run();

 private:
  Result<> do_step(const model::Step& step);
  Result<> enter_registry();
  struct Listening {
    Fd listener;
    sys::Tree tree;
  };
  Result<> listen(const model::Link& link, std::uint32_t index);
  Result<Listening> listen_in_state(const model::Link& link, std::uint32_t index);
  Result<> stage(const model::Link& link);
  Result<> lend(const model::Link& link, Planting& planting) const;
  Result<> allow(std::uint32_t index);
  Result<> allow_device(std::uint32_t index);
  void withdraw(std::uint32_t index);
  void settle(model::Link link, const Outcome& outcome);
  Result<> plant();
  Result<> launch();
  void undo();

  const Tools& tools_;
  const model::Plan& plan_;
  registry::Record record_;
  std::optional<registry::Entry> entry_;
  std::optional<registry::Record> before_;  ///< as it was, of a container that was served already
  std::uint32_t first_name_ = 0;            ///< of a listener
  std::vector<Fd> listeners_;               ///< in the order of plan_.links; then of those sockets that were planted
  std::vector<Planting> plantings_;         ///< the same
  struct Allowed {
    std::uint32_t link = 0;
    sys::DeviceGrant grant;
  };
  std::optional<sys::DeviceGroup> devices_;  ///< the container's, once it is needed
  std::vector<Allowed> allowed_;
  std::vector<Fd> directories_;  ///< that record_.planted lies in, in its order
  bool planted_ = false;
  Commit commit_;
  Applied applied_;
};

Result<Applied> Application::run() {
  for (const auto& step : plan_.steps) {
    if (auto done = do_step(step); !done) {
      undo();
      return std::unexpected(std::move(done).error());
    }
    if (applied_.already) return applied_;
  }
  if (!entry_) return applied_;  // nothing to do, nothing to remember
  record_.served = true;
  auto last = registry::update(tools_.state, record_);
  if (last && commit_) last = commit_();
  if (last) return applied_;
  undo();
  return std::unexpected(std::move(last).error());
}

Result<> Application::do_step(const model::Step& step) {
  switch (step.kind) {
    case model::StepKind::record: return enter_registry();
    case model::StepKind::publish: return registry::publish(tools_.state, record_);
    case model::StepKind::listen: return listen(plan_.links[step.link], step.link);
    case model::StepKind::stage: return stage(plan_.links[step.link]);
    case model::StepKind::allow: return allow(step.link);
    case model::StepKind::plant: return {};  // all together, once every listener is there: one child, one setns(2)
    case model::StepKind::launch: return launch();
    case model::StepKind::count_: break;
  }
  return fail(Kind::internal, "a step of no known kind");
}

Result<> Application::enter_registry() {
  if (before_) return {};
  entry_ = XC_TRY(registry::enter(tools_.state, record_, tools_.deadline));
  applied_.already = entry_->served;
  return {};
}

/// The listener lives in our state directory; the container sees its inode through a read-only mount. A link that is to
/// have an abstract name gets its listener in the container's network namespace, when it is planted.
Result<> Application::listen(const model::Link& link, std::uint32_t index) {
  Planting planting{.places = link.places,
                    .tree = {},
                    .kind = kind_of(link.socket_kind),
                    .padded = link.padded,
                    .required = link.required};
  Fd listener;
  if (std::ranges::any_of(link.places, lies_with_us)) {
    auto made = XC_TRY_IN(link.service, listen_in_state(link, index));
    listener = std::move(made.listener);
    planting.tree = std::move(made.tree);
  }
  listeners_.push_back(std::move(listener));
  plantings_.push_back(std::move(planting));
  return {};
}

Result<Application::Listening> Application::listen_in_state(const model::Link& link, std::uint32_t index) {
  const std::string name = entry_name(first_name_ + index);
  const sys::ListenOptions options{kind_of(link.socket_kind), backlog, everybody_inside, tools_.container.owner};
  Fd listener = XC_TRY(sys::listen_at(entry_->directory.get(), name, options));
  const Fd inode{::openat(entry_->directory.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (!inode) return fail_errno(Kind::kernel, name, errno);
  return Listening{std::move(listener), XC_TRY(sys::clone_tree(inode.get(), sys::Use::socket))};
}

sys::DeviceNumber number_of(const model::Device& device) {
  return {device.node.major, device.node.minor};
}

/// The node appears like a socket does, by a mount of its inode.
Result<> Application::stage(const model::Link& link) {
  if (!link.device) return fail(Kind::internal, link.service + ": a device without a node");
  const auto& rules = link.device->rules;
  const auto& held = tools_.container;
  Planting planting{.places = link.places, .tree = {}, .required = link.required};
  planting.directories = rules.directory.value_or(planting.directories);
  if (link.device->lent) {
    XC_CHECK_IN(link.service, lend(link, planting));
  } else {
    const sys::Owner owner = XC_TRY_IN(link.service, sys::owner_on_host(tools_.proc, held.init, held.namespaces,
                                                                        {.uid = rules.uid, .gid = rules.gid}));
    planting.tree =
        XC_TRY_IN(link.service, sys::stage_node(number_of(*link.device), rules.mode, owner, tools_.deadline));
  }
  listeners_.emplace_back();
  plantings_.push_back(std::move(planting));
  return {};
}

/// What the user may not open is left out, as what no rule can be had for is (allow).
Result<> Application::lend(const model::Link& link, Planting& planting) const {
  const auto& words = plan_.container.annotations;
  const auto keeps = words.find(std::string(model::keeps_groups));
  const bool with_groups = keeps != words.end() && keeps->second == "1";
  auto tree = sys::lend_node(link.device->node.name, number_of(*link.device), with_groups, tools_.deadline);
  if (!tree && link.required) return std::unexpected(std::move(tree).error());
  if (tree) {
    planting.tree = std::move(*tree);
  } else {
    planting.places.clear();
    planting.refusal = tree.error().text;
  }
  return {};
}

/// A node that the container may not open is worse than none: without the rule it is not planted.
Result<> Application::allow(std::uint32_t index) {
  const auto done = allow_device(index);
  if (done) return {};
  if (plan_.links[index].required) return std::unexpected(in_context(plan_.links[index].service, done.error()));
  plantings_[index].places.clear();
  plantings_[index].refusal = done.error().text;
  return {};
}

Result<> Application::allow_device(std::uint32_t index) {
  if (!devices_) devices_ = XC_TRY(sys::DeviceGroup::open(tools_.proc, tools_.container.init));
  const auto granted = XC_TRY(devices_->allow(number_of(*plan_.links[index].device)));
  allowed_.push_back({index, granted});
  return {};
}

void Application::withdraw(std::uint32_t index) {
  for (const Allowed& one : allowed_)
    if (one.link == index) (void)devices_->withdraw(number_of(*plan_.links[index].device), one.grant);
  std::erase_if(allowed_, [&](const Allowed& one) { return one.link == index; });
}

Result<> Application::plant() {
  auto outcomes = XC_TRY(plant_all(tools_.proc, tools_.container, plantings_, tools_.deadline));
  planted_ = true;
  std::vector<Fd> kept;
  for (std::uint32_t i = 0; i < outcomes.size(); ++i) {
    Outcome& outcome = outcomes[i];
    if (outcome.place.empty()) {
      withdraw(i);
      const std::string& refusal = plantings_[i].refusal;
      applied_.warnings.push_back("optional service " + plan_.links[i].service +
                                  " is left out: " + (refusal.empty() ? sentence_of(outcome.passed_over) : refusal));
      continue;
    }
    settle(plan_.links[i], outcome);
    if (outcome.planted) {
      record_.planted.push_back(std::move(*outcome.planted));
      directories_.push_back(std::move(outcome.held));
      if (!model::is_node(plan_.links[i])) kept.push_back(std::move(listeners_[i]));
    } else if (!outcome.held) {
      kept.push_back(std::move(listeners_[i]));  // redirected: the shim connects the clients to it by its name here
    } else {
      (void)::unlinkat(entry_->directory.get(), entry_name(first_name_ + i).c_str(), 0);  // nobody will connect there
      kept.push_back(std::move(outcome.held));
    }
  }
  listeners_ = std::move(kept);
  plantings_.clear();
  return registry::update(tools_.state, record_);
}

/// The link as it has become.
void Application::settle(model::Link link, const Outcome& outcome) {
  link.target = outcome.place;
  link.passed_over.insert(link.passed_over.end(), outcome.passed_over.begin(), outcome.passed_over.end());
  if (!outcome.passed_over.empty())
    applied_.warnings.push_back("service " + link.service + " is at " + text::printable(link.target) +
                                " because: " + sentence_of(outcome.passed_over));
  applied_.links.push_back(link);
  record_.links.push_back(std::move(link));
}

Result<> Application::launch() {
  XC_CHECK(plant());
  if (record_.links.empty()) return {};
  commit_ = XC_TRY(tools_.launch(record_, listeners_, directories_));
  listeners_.clear();  // the shim has them now
  directories_.clear();
  return {};
}

/// Backwards. Failures are not reported: the first one is what the person must read, and the next hook sweeps again.
void Application::undo() {
  if (!entry_ || applied_.already) return;
  commit_ = nullptr;  // a shim that was started leaves when it is not told to serve
  // The deadline may be what failed. Only from inside can be undone what lies on a volume.
  const auto enough = std::max(tools_.deadline, std::chrono::steady_clock::now() + patience_to_undo);
  const std::size_t kept = before_ ? before_->planted.size() : 0;
  const std::vector<sys::Planted> ours(record_.planted.begin() + static_cast<std::ptrdiff_t>(kept),
                                       record_.planted.end());
  if (planted_) (void)take_away(tools_.proc, tools_.container, ours, enough);
  while (!allowed_.empty()) withdraw(allowed_.back().link);
  if (before_) {
    for (std::uint32_t i = 0; i < plan_.links.size(); ++i)
      (void)::unlinkat(entry_->directory.get(), entry_name(first_name_ + i).c_str(), 0);
    if (planted_) (void)registry::update(tools_.state, *before_);
    return;
  }
  registry::release_held(tools_.state, registry::key_of(record_.container.name, record_.init.pid));
}

}  // namespace

Result<Applied> extend(const Tools& tools, const model::Plan& plan, registry::Reentered held) {
  return Application(tools, plan, std::move(held)).run();
}

Result<Applied> apply(const Tools& tools, const model::Plan& plan) {
  return Application(tools, plan).run();
}

}  // namespace xc::inject
