// What the monitor does when root asks: observers let in, links added and taken away while the container runs. Runs in
// the monitor; reads orders of xc-inject and no byte of anybody else.
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <utility>

#include "base/text.h"
#include "model/address.h"
#include "shim/monitor.h"
#include "sys/log.h"
#include "sys/unix_socket.h"

namespace xc::shim {
namespace {

constexpr std::ptrdiff_t most_observers = 8;  // of one link
constexpr std::size_t most_sockets = 256;
constexpr std::size_t most_links = 64;

}  // namespace

bool Monitor::Observer::wants(const model::Link& link) const {
  return (service.empty() || service == link.service) && (target.empty() || target == link.target);
}

Result<> Monitor::obey(Order& order, std::vector<Fd>& descriptors) {
  switch (order.wish) {
    case Wish::observe: return observe(order, descriptors);
    case Wish::add: return add(order, descriptors);
    case Wish::remove: return remove(order);
    case Wish::count_: break;
  }
  return fail(Kind::internal, "an order of no known kind");
}

Result<> Monitor::observe(const Order& order, std::vector<Fd>& descriptors) {
  if (descriptors.size() != 1) return fail(Kind::internal, "an observer without a socket");
  const auto same = std::ranges::count_if(observers_, [&](const Observer& one) { return one.target == order.target; });
  if (same >= most_observers || observers_.size() >= most_sockets)
    return fail(Kind::again, "eight observers look at this link already");
  Observer one{order.service, order.target, order.payload, std::move(descriptors.front())};
  const int socket = one.socket.get();
  XC_CHECK(poller_.add(socket, EPOLLHUP, observer_token + static_cast<std::uint64_t>(socket)));
  observers_.push_back(std::move(one));
  Result<> outcome;
  bool any = false;
  for (const auto& place : places_) {
    if (!place.post || !observers_.back().wants(place.post->link())) continue;
    any = true;
    if (outcome) outcome = place.post->observe(socket, order.payload);
  }
  for (const Counter& counter : lease_desks_) {
    if (!counter.desk || !observers_.back().wants(counter.desk->link())) continue;
    any = true;
    counter.desk->observe(socket);
  }
  if (outcome && !any) outcome = fail(Kind::usage, "it has no link " + text::quoted(order.service));
  if (!outcome) drop_observer(socket);
  return outcome;
}

void Monitor::drop_observer(int socket) {
  for (const auto& place : places_)
    if (place.post) place.post->forget(socket);
  for (const Counter& one : lease_desks_)
    if (one.desk) one.desk->forget(socket);
  poller_.remove(socket);
  std::erase_if(observers_, [&](const Observer& one) { return one.socket.get() == socket; });
}

std::size_t Monitor::count_links() const {
  const auto posts = std::ranges::count_if(places_, [](const Place& one) { return one.post != nullptr; });
  const auto desks = std::ranges::count_if(lease_desks_, [](const Counter& one) { return one.desk != nullptr; });
  return static_cast<std::size_t>(posts + desks) + guard_.size();
}

Result<> Monitor::add(Order& order, std::vector<Fd>& descriptors) {
  if (estate_ == nullptr || order.links.size() != 1 || descriptors.empty())
    return fail(Kind::internal, "a link that cannot be added");
  if (count_links() >= most_links) return fail(Kind::policy, "the container has 64 links already");
  auto own = std::make_unique<model::Link>(std::move(order.links.front()));
  const std::string service = own->service;
  const std::string target = own->target;
  const std::size_t listeners = model::is_node(*own) ? 0 : 1;
  std::erase_if(estate_->host, [&](const auto& known) { return known.offer.name == service; });
  std::ranges::move(order.host, std::back_inserter(estate_->host));
  XC_CHECK(place_any(std::move(own), descriptors));
  if (descriptors.size() > listeners) estate_->directories.push_back(std::move(descriptors.back()));
  if (redirector_) redirector_->forget_paths();
  log::notice(config_.consumer + ": " + service + ": link added at " + text::printable(target));
  return {};
}

/// What serves it is a guard for a node, a desk for leases, a post for everything else.
Result<> Monitor::place_any(std::unique_ptr<model::Link> own, std::vector<Fd>& descriptors) {
  if (model::is_node(*own)) return guard(std::move(own));
  const model::Link& link = *own;
  if (model::is_lease(link)) return open_lease_desk(link, std::move(own), std::move(descriptors.front()));
  XC_TRY(place(link, std::move(own), std::move(descriptors.front())))->begin();
  return {};
}

Result<> Monitor::guard(std::unique_ptr<model::Link> own) {
  const int before = guard_.descriptor();
  guard_.take_on(std::move(own));
  if (guard_.descriptor() == before) return {};
  guard_asleep_ = false;
  return poller_.add(guard_.descriptor(), EPOLLIN, guard_token);
}

Result<> Monitor::remove(const Order& order) {
  if (estate_ == nullptr || order.directory > estate_->directories.size())
    return fail(Kind::internal, "a link that cannot be removed");
  const auto found = std::ranges::find_if(
      places_, [&](const Place& place) { return place.post && place.post->link().target == order.target; });
  if (found != places_.end())
    remove_post(static_cast<std::size_t>(found - places_.begin()));
  else if (!remove_lease(order.target) && !remove_device(order.target))
    return fail(Kind::usage, "it serves no link at " + text::quoted(order.target));
  if (redirector_) redirector_->forget_paths();
  auto& directories = estate_->directories;
  if (order.directory > 0) directories.erase(directories.begin() + static_cast<std::ptrdiff_t>(order.directory) - 1);
  log::notice(config_.consumer + ": link removed at " + text::printable(order.target));
  return {};
}

void Monitor::remove_post(std::size_t index) {
  Place& place = places_[index];
  // Nothing is planted for it in the container: whoever revokes it finds no file, and we know the name of ours.
  if (const auto name = sys::bound_name(place.post->listener());
      street_.state != nullptr && model::redirected_path(place.post->link().target) && name && !name->empty())
    (void)::unlinkat(street_.state->containers(), (street_.key + "/" + *name).c_str(), 0);
  if (place.post->listener() >= 0) poller_.remove(place.post->listener());
  if (index < watched_shortcuts_.size() && watched_shortcuts_[index] >= 0)
    poller_.remove(std::exchange(watched_shortcuts_[index], -1));
  place.post->close("revoked");
  place.post->end();
  std::erase_if(paused_, [&](const Paused& paused) { return paused.index == index; });
  place = Place{};
  renew_watched_workers();
}

bool Monitor::remove_lease(const std::string& target) {
  for (Counter& one : lease_desks_) {
    if (!one.desk || one.desk->link().target != target) continue;
    if (one.desk->listener() >= 0) poller_.remove(one.desk->listener());
    one.desk->end("the link was taken away");
    one.desk.reset();
    one.own.reset();
    return true;
  }
  return false;
}

/// Its rule is the caller's to take away: when nobody guards it any more, nobody puts it back.
bool Monitor::remove_device(const std::string& target) {
  const bool known = guard_.forget(target);
  if (guard_.descriptor() < 0) guard_asleep_ = false;
  return known;
}

}  // namespace xc::shim
