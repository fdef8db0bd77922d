#include "shim/shortcut.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "registry/providers.h"
#include "registry/records.h"
#include "sys/child.h"
#include "sys/log.h"
#include "sys/mounts.h"
#include "sys/namespaces.h"

namespace xc::shim {
namespace {

constexpr std::chrono::milliseconds pause{20};
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
  sys::Tree tree;
  const auto work = [&]() -> Result<sys::Answer> {
    XC_CHECK(sys::enter_mount_namespace(way.mounts));
    auto cloned = XC_TRY(sys::clone_tree(way.socket.get(), sys::Use::socket));
    if (!cloned.detached) return fail(Kind::kernel, "this kernel has no open_tree(2), which direct links need", ENOSYS);
    sys::Answer answer(cloned.restricted ? "r" : "");
    answer.descriptors.push_back(std::move(cloned.fd));
    return answer;
  };
  auto answer = XC_TRY(sys::run_child(work, std::chrono::steady_clock::now() + patience));
  if (answer.descriptors.size() != 1) return fail(Kind::internal, "a socket came without its mount");
  tree.fd = std::move(answer.descriptors.front());
  tree.detached = true;
  tree.restricted = answer.bytes == "r";
  tree.id = XC_TRY(sys::id_of(way.socket.get()));
  return tree;
}

/// Runs `work` on the entry that shows `expected`, inside the consumer.
template <class Work>
Result<> at_spot(const Street& street, const std::string& target, const sys::FileId& expected, const Work& work) {
  const auto record = XC_TRY(registry::read(*street.state, street.key));
  if (!record) return fail(Kind::again, "the container's record is gone");
  const auto held = XC_TRY(registry::hold(street.proc, *record));
  const auto namespaces = XC_TRY(sys::open_namespaces(held.init));
  const auto inside = [&]() -> Result<sys::Answer> {
    XC_CHECK(sys::enter_mount_namespace(namespaces.mount));
    const Spot spot = XC_TRY(find_spot(held.root, target, expected));
    XC_CHECK(work(spot));
    return sys::Answer{};
  };
  XC_CHECK(sys::run_child(inside, std::chrono::steady_clock::now() + patience));
  return {};
}

/// What the record says our listener is at that place.
Result<sys::FileId> listener_at(const Street& street, const std::string& target) {
  const auto record = XC_TRY(registry::read(*street.state, street.key));
  if (record)
    for (const auto& planted : record->planted)
      if (planted.target == target) return planted.shown;
  return fail(Kind::again, target + ": nothing of ours is there");
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
  trouble_ = way ? "" : way.error().text;
  if (!direct || !way) return;
  const auto outcome = watched && found ? show(*way, *found) : watched;
  if (outcome) return;
  trouble_ = "not direct: " + outcome.error().text;
  log::warning(street_.consumer + ": " + link_.service + ": " + trouble_);
}

Result<> Shortcut::show(const Way& way, sys::FileId socket) {
  const auto listener = XC_TRY(listener_at(street_, link_.target));
  const auto tree = XC_TRY(copy(way));
  XC_CHECK(at_spot(street_, link_.target, listener, [&](const Spot& spot) {
    return sys::attach_tree(street_.proc, tree, spot.file.get(), spot.directory.get(), spot.name);
  }));
  shown_ = socket;
  return {};
}

void Shortcut::take_away() {
  if (!shown_) return;
  const auto gone = at_spot(street_, link_.target, *shown_,
                            [&](const Spot& spot) { return sys::detach(street_.proc, spot.file.get()); });
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
