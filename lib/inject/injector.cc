#include "inject/injector.h"

#include <fcntl.h>

#include <cerrno>
#include <optional>

#include "base/text.h"
#include "inject/planting.h"
#include "registry/leftovers.h"
#include "sys/unix_socket.h"

namespace xc::inject {
namespace {

constexpr int backlog = 128;
constexpr mode_t everybody_inside =
    0666;  // the directory around it is root's alone; inside, the link is the container's

sys::SocketKind kind_of(model::SocketKind kind) {
  if (kind == model::SocketKind::seqpacket) return sys::SocketKind::seqpacket;
  return kind == model::SocketKind::datagram ? sys::SocketKind::dgram : sys::SocketKind::stream;
}

/// One application of one plan.
class Application {
 public:
  Application(const Tools& tools, const model::Plan& plan) : tools_(tools), plan_(plan) {
    record_.container = plan.container;
    record_.container.env.clear();  // it may hold secrets, and nobody needs it any more
    record_.init = {plan.container.pid, tools.container.init.start_time};
    record_.root = tools.container.root_id;
    record_.offers_origin = plan.offers_origin;
    record_.offers = plan.offers;
  }

  Result<Applied> run();

 private:
  Result<> do_step(const model::Step& step);
  Result<> enter_registry();
  Result<> listen(const model::Link& link, std::uint32_t index);
  Result<> plant();
  Result<> launch();
  void undo();

  const Tools& tools_;
  const model::Plan& plan_;
  registry::Record record_;
  std::optional<registry::Entry> entry_;
  std::vector<Fd> listeners_;        ///< of links listened for, in the order of plan_.links
  std::vector<Planting> plantings_;  ///< the same
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
    case model::StepKind::plant: return {};  // all together, once every listener is there: one child, one setns(2)
    case model::StepKind::launch: return launch();
    case model::StepKind::count_: break;
  }
  return fail(Kind::internal, "a step of no known kind");
}

Result<> Application::enter_registry() {
  entry_ = XC_TRY(registry::enter(tools_.state, record_, tools_.deadline));
  applied_.already = entry_->served;
  return {};
}

/// The listener lives in our state directory; the container sees its inode through a read-only mount.
Result<> Application::listen(const model::Link& link, std::uint32_t index) {
  const std::string name = text::number(index) + ".sock";
  const sys::ListenOptions options{kind_of(link.socket_kind), backlog, everybody_inside, tools_.container.owner};
  listeners_.push_back(XC_TRY_IN(link.service, sys::listen_at(entry_->directory.get(), name, options)));
  const Fd inode{::openat(entry_->directory.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (!inode) return fail_errno(Kind::kernel, link.service, errno);
  auto tree = XC_TRY_IN(link.service, sys::clone_tree(inode.get(), sys::Use::socket));
  plantings_.push_back({link.target, std::move(tree), link.required});
  return {};
}

Result<> Application::plant() {
  auto outcomes = XC_TRY(plant_all(tools_.proc, tools_.container, plantings_, tools_.deadline));
  planted_ = true;
  std::vector<Fd> kept;
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const model::Link& link = plan_.links[i];
    if (!outcomes[i].planted) {
      applied_.warnings.push_back("optional service " + link.service + " is left out: " + outcomes[i].reason);
      continue;
    }
    record_.planted.push_back(std::move(*outcomes[i].planted));
    record_.links.push_back(link);
    kept.push_back(std::move(listeners_[i]));
  }
  listeners_ = std::move(kept);
  plantings_.clear();
  return registry::update(tools_.state, record_);
}

Result<> Application::launch() {
  XC_CHECK(plant());
  if (record_.links.empty()) return {};
  commit_ = XC_TRY(tools_.launch(record_, listeners_));
  listeners_.clear();  // the shim has them now
  return {};
}

/// Backwards. Failures are not reported: the first one is what the person must read, and the next hook sweeps again.
void Application::undo() {
  if (!entry_ || applied_.already) return;
  commit_ = nullptr;  // a shim that was started leaves when it is not told to serve
  if (planted_) (void)take_away(tools_.proc, tools_.container, record_.planted, tools_.deadline);
  registry::release(tools_.state, registry::key_of(record_.container.name, record_.init.pid));
}

}  // namespace

Result<Applied> apply(const Tools& tools, const model::Plan& plan) {
  return Application(tools, plan).run();
}

}  // namespace xc::inject
