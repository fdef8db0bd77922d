#include "shim/guard.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/text.h"
#include "sys/log.h"

namespace xc::shim {
namespace {

constexpr std::array<std::chrono::milliseconds, 4> looks{{std::chrono::milliseconds(50), std::chrono::milliseconds(250),
                                                          std::chrono::milliseconds(1000),
                                                          std::chrono::milliseconds(4000)}};
constexpr std::chrono::seconds seldom{60};
constexpr const char* systemd_directory = "/run/systemd";

sys::DeviceNumber number_of(const model::Link& link) {
  return {link.device->node.major, link.device->node.minor};
}

}  // namespace

DeviceGuard::DeviceGuard(const std::vector<model::Link>& devices, const sys::Proc& proc, const sys::Process* init)
    : proc_(proc), init_(init) {
  for (const model::Link& link : devices)
    if (link.device) devices_.push_back({nullptr, &link, 0, {}});
  begin();
}

/// Opens what tells of changes; once, while there is something to guard.
void DeviceGuard::begin() {
  const bool ruled = std::ranges::any_of(devices_, [](const Watched& one) { return !one.link->device->lent; });
  if (!ruled || init_ == nullptr || group_) return;
  auto group = sys::DeviceGroup::open(proc_, *init_);
  events_ = Fd{::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)};
  Result<> watched = group ? Result<>{} : std::unexpected(group.error());
  if (watched && !events_) watched = fail_errno(Kind::kernel, "inotify_init1", errno);
  if (watched) group_ = std::move(*group);
  for (std::size_t i = 0; watched && i < group_->directories().size(); ++i) watched = watch(group_->directories()[i]);
  for (Watched& one : devices_)
    if (!watched) one.trouble = "its rule is not guarded: " + watched.error().text;
  if (!watched) log::warning(devices_.front().link->service + ": " + devices_.front().trouble);
  // Its generators' directories there are made anew by every reload.
  systemd_ = ::inotify_add_watch(events_.get(), systemd_directory, IN_CREATE | IN_DELETE | IN_ONLYDIR) >= 0;
  if (group_ && systemd_) due_ = std::chrono::steady_clock::now() + seldom;
}

void DeviceGuard::take_on(std::unique_ptr<model::Link> device) {
  if (!device->device) return;
  const model::Link* link = device.get();
  devices_.push_back({std::move(device), link, 0, {}});
  begin();
}

bool DeviceGuard::forget(const std::string& target) {
  const auto gone = std::erase_if(devices_, [&](const Watched& one) { return one.link->target == target; });
  if (gone == 0 || !devices_.empty()) return gone > 0;
  group_.reset();
  events_.reset();
  due_.reset();
  later_.clear();
  return true;
}

Result<> DeviceGuard::watch(int directory) {
  const std::string name = sys::host_name_of(directory);
  if (::inotify_add_watch(events_.get(), name.c_str(), IN_MODIFY | IN_ONLYDIR) >= 0) return {};
  return fail_errno(Kind::kernel, "inotify_add_watch", errno);
}

void DeviceGuard::notice(Time now) {
  std::array<char, 4096> dropped{};
  while (::read(events_.get(), dropped.data(), dropped.size()) > 0) {
  }
  if (!group_) return;
  if (later_.empty()) due_ = now + looks.front();
  later_.assign(looks.begin() + 1, looks.end());
}

std::optional<DeviceGuard::Time> DeviceGuard::next_check() const {
  return due_;
}

bool DeviceGuard::check(Time now) {
  if (!due_ || *due_ > now) return false;
  for (Watched& one : devices_) look_after(one);
  due_.reset();
  if (!later_.empty()) {
    due_ = now + later_.front();
    later_.erase(later_.begin());
  } else if (systemd_) {
    due_ = now + seldom;
  }
  return true;
}

void DeviceGuard::look_after(Watched& one) {
  const auto device = number_of(*one.link);
  const auto held = group_->allows(device);
  if (held && held->value_or(true)) return;
  const auto granted = group_->allow(device);
  const std::string trouble = granted ? "" : granted.error().text;
  if (granted && (granted->listed || granted->programmed)) {
    ++one.restored;
    log::warning(one.link->service + ": somebody took the device rule of the container away; it is back");
  }
  if (!trouble.empty() && trouble != one.trouble) log::warning(one.link->service + ": " + trouble);
  one.trouble = trouble;
}

void DeviceGuard::end() {
  if (!group_) return;
  for (const Watched& one : devices_) {
    const auto granted = group_->granted(number_of(*one.link));
    if (granted) (void)group_->withdraw(number_of(*one.link), *granted);  // fails when the container is gone
  }
  group_.reset();
}

std::vector<PostStatus> DeviceGuard::status() const {
  std::vector<PostStatus> all;
  for (const Watched& one : devices_) {
    PostStatus status = status_of(*one.link);
    status.reason = one.trouble;
    status.restarts = one.restored;
    all.push_back(std::move(status));
  }
  return all;
}

}  // namespace xc::shim
