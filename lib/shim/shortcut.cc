#include "shim/shortcut.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "registry/providers.h"
#include "registry/records.h"
#include "sys/carried_tree.h"
#include "sys/child.h"
#include "sys/log.h"
#include "sys/mounts.h"
#include "sys/namespaces.h"

namespace xc::shim {
namespace {

constexpr std::chrono::milliseconds pause{20};
constexpr std::chrono::seconds later{1};
constexpr std::chrono::seconds patience{5};
constexpr std::uint32_t changes = IN_CREATE | IN_DELETE | IN_MOVE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

/// The entry of the consumer that shows our listener, or what lies on top of it.
struct Spot {
  Fd directory;
  std::string name;
  Fd file;
};

/// In the consumer's mount namespace. The container may have moved things about: what is found must be `expected`.
Result<Spot> find_spot(const sys::RootedDir& root, const std::string& target, const sys::FileId& expected) {
  const auto path = sys::split_path(target);
  Spot spot{XC_TRY(root.resolve(path.directory)), path.name, {}};
  spot.file = Fd{::openat(spot.directory.get(), spot.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (!spot.file) return fail_errno(Kind::plant, target, errno);
  if (XC_TRY(sys::id_of(spot.file.get())) == expected) return spot;
  return fail(Kind::plant, target + ": the container has put something else there");
}

/// A copy of the provider's socket as a mount, taken in the namespace that it lies in.
Result<sys::Tree> copy(const Way& way) {
  if (!way.mounts) return sys::clone_tree(way.socket.get(), sys::Use::socket);
  const auto make = [&]() -> Result<sys::Tree> {
    XC_CHECK(sys::enter_mount_namespace(way.mounts));
    return sys::clone_tree(way.socket.get(), sys::Use::socket);
  };
  return sys::tree_from_child(make, std::chrono::steady_clock::now() + patience);
}

/// The consumer, as its record knows it.
Result<registry::Provider> hold_consumer(const Street& street) {
  const auto record = XC_TRY(registry::read(*street.state, street.key));
  if (!record) return fail(Kind::again, "the container's record is gone");
  return registry::hold(street.proc, *record);
}

/// Runs `work` on the entry that shows `expected`, inside the consumer.
template <class Work>
Result<> at_spot(const Street& street, const registry::Provider& consumer, const std::string& target,
                 const sys::FileId& expected, const Work& work) {
  const auto namespaces = XC_TRY(sys::open_namespaces(consumer.init));
  const auto inside = [&]() -> Result<sys::Answer> {
    XC_CHECK(sys::enter_mount_namespace(namespaces.mount));
    const Spot spot = XC_TRY(find_spot(consumer.root, target, expected));
    XC_CHECK(work(spot, street.proc));
    return sys::Answer{};
  };
  XC_CHECK(sys::run_child(inside, std::chrono::steady_clock::now() + patience));
  return {};
}

}  // namespace

void Shortcut::notice(Time now) {
  std::array<char, 4096> dropped{};
  if (directory_)
    while (::read(directory_.get(), dropped.data(), dropped.size()) > 0) {
    }
  due_ = now + pause;
}

void Shortcut::tend(Door& door) {
  due_.reset();
  auto way = door.locate();
  const bool direct = way && door.effective().direct;
  const bool waits = model::is_of_datagrams(link_);
  const auto watched = direct || waits ? watch(direct ? &*way : nullptr) : Result<>{};
  if (direct) way = door.locate();  // what changed before somebody watched
  const auto found =
      direct && way && way->socket ? sys::id_of(way->socket.get()) : Result<sys::FileId>(fail(Kind::again, ""));
  if (found && shown_ && *shown_ == *found) return;
  take_away();
  const std::string before = std::exchange(trouble_, way ? "" : way.error().text);
  if (!direct || !way) return;
  const auto outcome = watched && found ? show(*way, *found) : watched;
  if (outcome) return;
  // The hook writes the record while we start, and a busy machine may take longer than we wait.
  if (outcome.error().kind == Kind::again) due_ = std::chrono::steady_clock::now() + later;
  trouble_ = "not direct: " + outcome.error().text;
  if (trouble_ != before) log::warning(street_.consumer + ": " + link_.service + ": " + trouble_);
}

Result<> Shortcut::show(const Way& way, sys::FileId socket) {
  const auto consumer = XC_TRY(hold_consumer(street_));
  const auto& planted = consumer.record.planted;
  const auto listener = std::ranges::find(planted, link_.target, &sys::Planted::target);
  if (listener == planted.end()) return fail(Kind::again, link_.target + ": nothing of ours is there");
  const auto tree = XC_TRY(copy(way));
  XC_CHECK(at_spot(street_, consumer, link_.target, listener->shown, [&](const Spot& spot, const sys::Proc& proc) {
    return sys::attach_tree(proc, tree, spot.file.get(), spot.directory.get(), spot.name);
  }));
  shown_ = socket;
  return {};
}

void Shortcut::take_away() {
  if (!shown_) return;
  const auto gone = [&]() -> Result<> {
    const auto consumer = XC_TRY(hold_consumer(street_));
    return at_spot(street_, consumer, link_.target, *shown_,
                   [](const Spot& spot, const sys::Proc& proc) { return sys::detach(proc, spot.file.get()); });
  }();
  shown_.reset();
  if (!gone) log::warning(street_.consumer + ": " + link_.service + ": " + gone.error().text);
}

/// From here on we hear when the socket's directory changes or the provider ends.
Result<> Shortcut::watch(const Way* way) {
  if (!events_) events_ = XC_TRY(sys::Poller::create());
  for (const Fd* old : {&directory_, &provider_})
    if (*old) events_->remove(old->get());
  provider_ = Fd{way != nullptr && way->process ? ::fcntl(way->process.get(), F_DUPFD_CLOEXEC, 0) : -1};
  if (provider_) XC_CHECK(events_->add(provider_.get(), EPOLLIN, 0));
  directory_ = Fd{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
  if (!directory_) return fail_errno(Kind::kernel, "inotify_init1", errno);
  if (way != nullptr) XC_CHECK(watch_directory(way->directory.get()));
  // No client of a datagram link can make us look, for it finds nobody: news of any provider must.
  if (model::is_of_datagrams(link_)) XC_CHECK(watch_directory(street_.state->offers()));
  return events_->add(directory_.get(), EPOLLIN, 0);
}

Result<> Shortcut::watch_directory(int directory) {
  const std::string name = sys::host_name_of(directory);
  if (::inotify_add_watch(directory_.get(), name.c_str(), changes) >= 0) return {};
  return fail_errno(Kind::kernel, "inotify_add_watch", errno);
}

}  // namespace xc::shim
