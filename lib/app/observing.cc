#include "app/observing.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "app/ask.h"
#include "registry/records.h"

namespace xc::app {
namespace {

constexpr std::size_t longest_line = 192UL * 1024;

bool fits(const Scope& scope, const registry::Record& record) {
  if (scope.container.empty() || scope.container == record.container.name) return true;
  return scope.container == std::to_string(record.init.pid);
}

/// Asks the shim to have one link's workers write to a new socket, whose other end is the answer.
Result<Fd> attach(const registry::StateDir& state, const std::string& key, const model::Link& link, bool payload) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
    return fail_errno(Kind::kernel, "socketpair", errno);
  Fd ours{pair[0]};
  const Fd theirs{pair[1]};
  shim::Order order;
  order.service = link.service;
  order.target = link.target;
  order.payload = payload;
  const std::array<int, 1> numbers{theirs.get()};
  XC_CHECK(give_order(state, key, order, numbers));
  return ours;
}

}  // namespace

std::vector<std::string> Observing::look_for_links() {
  std::vector<std::string> complaints;
  const auto keys = registry::keys(state_);
  if (!keys) complaints.push_back(keys.error().text);
  const auto there = keys.value_or(std::vector<std::string>{});
  std::erase_if(links_, [&](const Observed& one) {
    return one.device && keys && std::ranges::find(there, one.key) == there.end();
  });
  for (const auto& key : there) {
    if (std::ranges::find(unwilling_, key) != unwilling_.end()) continue;
    const auto looked = look_at(key);
    if (looked) continue;
    complaints.push_back(key + ": " + looked.error().text);
    unwilling_.push_back(key);
  }
  return complaints;
}

Result<> Observing::look_at(const std::string& key) {
  const auto record = registry::read(state_, key);
  if (!record || !*record || !(**record).served || !fits(scope_, **record)) return {};
  look_at_devices(key, (**record).links);
  Result<> outcome;
  for (const model::Link& link : (**record).links) {
    if (!scope_.service.empty() && scope_.service != link.service) continue;
    const auto same = [&](const Observed& one) { return one.key == key && one.target == link.target; };
    if (std::ranges::any_of(links_, same)) continue;
    if (!registry::is_alive((**record).init).value_or(false)) return {};
    Observed one{
        key, (**record).container.name, link.service, link.role, std::string(name_of(link.type)), link.target, Fd{},
        {}};
    if (const auto begun = begin(one, **record, link))
      links_.push_back(std::move(one));
    else if (outcome)  // the others can be looked at all the same
      outcome = std::unexpected(begun.error());
  }
  return outcome;
}

Result<> Observing::begin(Observed& one, const registry::Record& record, const model::Link& link) const {
  if (model::is_node(link))
    one.device = XC_TRY(DeviceWatch::begin(record, link));
  else
    one.socket = XC_TRY(attach(state_, one.key, link, scope_.payload));
  return {};
}

/// Nobody hangs up when a node is taken away.
void Observing::look_at_devices(const std::string& key, const std::vector<model::Link>& links) {
  std::erase_if(links_, [&](const Observed& one) {
    return one.device && one.key == key && std::ranges::find(links, one.target, &model::Link::target) == links.end();
  });
  for (Observed& one : links_)
    if (one.device && one.key == key) one.device->look_at_rule();
}

std::vector<std::size_t> Observing::wait_for_lines(int milliseconds) {
  std::vector<pollfd> waiting;
  for (const Observed& one : links_) {
    waiting.push_back({one.device ? one.device->descriptor() : one.socket.get(), POLLIN, 0});
    if (one.device && one.device->has_line()) milliseconds = 0;
  }
  std::vector<std::size_t> ready;
  const int count = ::poll(waiting.data(), waiting.size(), milliseconds);
  interrupted_ = count < 0 && errno == EINTR;
  for (std::size_t i = 0; count >= 0 && i < waiting.size(); ++i)
    if (waiting[i].revents != 0 || (links_[i].device && links_[i].device->has_line())) ready.push_back(i);
  return ready;
}

/// False when nothing waits there (any more).
bool Observing::receive(std::size_t index, std::string& line) {
  if (links_[index].device) return links_[index].device->next(line);
  line.resize(longest_line);
  const ssize_t got = ::recv(links_[index].socket.get(), line.data(), line.size(), MSG_DONTWAIT);
  if (got > 0) line.resize(static_cast<std::size_t>(got));
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) links_[index].socket.reset();
  return got > 0;
}

void Observing::forget_the_gone() {
  std::erase_if(links_, [](const Observed& one) { return !one.socket && !one.device; });
}

}  // namespace xc::app
