#include "app/listener.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace xc::app {
namespace {

Result<sys::FileId> id_at(int directory, const std::string& name) {
  const Fd entry{::openat(directory, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (!entry) return fail_errno(Kind::kernel, name, errno);
  return sys::id_of(entry.get());
}

/// What an earlier run left; anything but a socket stays, and is an error when the place is needed.
Result<> remove_socket(int directory, const std::string& name) {
  struct stat facts{};
  if (::fstatat(directory, name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISSOCK(facts.st_mode)) return {};
  if (::unlinkat(directory, name.c_str(), 0) != 0) return fail_errno(Kind::kernel, name, errno);
  return {};
}

}  // namespace

Result<Listener> Listener::make(const std::string& address, sys::SocketKind kind, bool replace) {
  Listener listener;
  if (address.starts_with('@')) {
    const auto name = XC_TRY(sys::UnixAddress::abstract(std::string_view(address).substr(1)));
    listener.socket_ = XC_TRY_IN(address, sys::listen_abstract(name, kind, 128));
    return listener;
  }
  const auto slash = address.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : address.substr(0, slash + 1);
  listener.name_ = address.substr(slash == std::string::npos ? 0 : slash + 1);
  listener.directory_ = Fd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!listener.directory_) return fail_errno(Kind::usage, directory, errno);
  if (replace) XC_CHECK(remove_socket(listener.directory_.get(), listener.name_));
  const mode_t mask = ::umask(0);
  ::umask(mask);
  const sys::ListenOptions options{.kind = kind, .mode = 0777U & ~mask, .owner = {::geteuid(), ::getegid()}};
  listener.socket_ = XC_TRY(sys::listen_at(listener.directory_.get(), listener.name_, options));
  listener.file_ = XC_TRY(id_at(listener.directory_.get(), listener.name_));
  return listener;
}

Listener::~Listener() {
  if (!directory_) return;
  const auto present = id_at(directory_.get(), name_);
  if (present && *present == file_) (void)::unlinkat(directory_.get(), name_.c_str(), 0);
}

}  // namespace xc::app
