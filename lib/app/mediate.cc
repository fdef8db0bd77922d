#include "app/mediate.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "app/log_printer.h"
#include "base/text.h"
#include "parse/policy.h"
#include "plan/rules.h"
#include "shim/config.h"
#include "shim/life.h"
#include "shim/monitor.h"
#include "sys/log.h"
#include "sys/parent_dir.h"
#include "sys/proc.h"
#include "sys/small_file.h"
#include "sys/unix_socket.h"

namespace xc::app {
namespace {

constexpr std::size_t rules_limit = 64UL * 1024;

/// A listening socket that takes its file away again, if it is still the one we made.
class Listener {
 public:
  [[nodiscard]] static Result<Listener> make(const std::string& address);
  Listener(Listener&&) = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  Listener& operator=(Listener&&) = delete;
  ~Listener();
  [[nodiscard]] Fd take() { return std::move(socket_); }

 private:
  Listener() = default;
  Fd socket_;
  Fd directory_;
  std::string name_;
  sys::FileId file_;
};

Result<sys::FileId> id_at(int directory, const std::string& name) {
  const Fd entry{::openat(directory, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (!entry) return fail_errno(Kind::kernel, name, errno);
  return sys::id_of(entry.get());
}

Result<Listener> Listener::make(const std::string& address) {
  Listener listener;
  if (address.starts_with('@')) {
    const auto name = XC_TRY(sys::UnixAddress::abstract(std::string_view(address).substr(1)));
    listener.socket_ = XC_TRY_IN(address, sys::listen_abstract(name, sys::SocketKind::stream, 128));
    return listener;
  }
  const auto slash = address.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : address.substr(0, slash + 1);
  listener.name_ = address.substr(slash == std::string::npos ? 0 : slash + 1);
  listener.directory_ = Fd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!listener.directory_) return fail_errno(Kind::usage, directory, errno);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  const sys::ListenOptions options{.mode = 0777U & ~mask, .owner = {::geteuid(), ::getegid()}};
  listener.socket_ = XC_TRY(sys::listen_at(listener.directory_.get(), listener.name_, options));
  listener.file_ = XC_TRY(id_at(listener.directory_.get(), listener.name_));
  return listener;
}

Listener::~Listener() {
  if (!directory_) return;
  const auto present = id_at(directory_.get(), name_);
  if (present && *present == file_) (void)::unlinkat(directory_.get(), name_.c_str(), 0);
}

/// The rules are the caller's own words, like the rest of his command line.
Result<model::RoleRules> read_rules(const MediateOptions& options, model::Type type) {
  if (options.rules.empty()) return model::RoleRules{};
  const std::string text = XC_TRY(sys::read_file(AT_FDCWD, options.rules, rules_limit));
  return parse::parse_rules(text, options.rules, type);
}

Result<shim::Config> config_of(const MediateOptions& options) {
  const auto type = model::type_of(options.type);
  if (!type || !plan::is_supported(*type))
    return fail(Kind::usage, "TYPE: " + text::quoted(options.type) + " is not mediated; try unix, rest or dbus");
  model::Link link;
  link.service = options.type;
  link.role = options.role;
  link.target = options.listen;
  link.address = options.connect;
  link.type = *type;
  link.grants = {{.provider = "*", .rules = XC_TRY(read_rules(options, *type))}};
  shim::Config config;
  config.consumer = options.client;
  config.links.push_back(std::move(link));
  return config;
}

}  // namespace

Result<> mediate(const MediateOptions& options) {
  LogPrinter printer = options.log ? XC_TRY(LogPrinter::start()) : LogPrinter();
  const auto proc = XC_TRY(sys::Proc::open());
  const shim::Config config = XC_TRY(config_of(options));
  auto listener = XC_TRY_IN(options.listen, Listener::make(options.listen));
  const shim::Street street{config.consumer, proc, config.host, nullptr, nullptr};
  shim::Watch watch;
  watch.signals = XC_TRY(shim::watch_signals());
  if (options.ready_fd >= 0) watch.lifetime = Fd(options.ready_fd);
  watch.observer = printer.take();
  const int ready = watch.lifetime.get();
  std::vector<Fd> listeners;
  listeners.push_back(listener.take());
  auto monitor = XC_TRY(shim::Monitor::create(config, street, std::move(listeners), std::move(watch)));
  if (ready >= 0 && ::write(ready, "x", 1) != 1) return fail_errno(Kind::usage, "ready descriptor", errno);
  return monitor.run();
}

}  // namespace xc::app
