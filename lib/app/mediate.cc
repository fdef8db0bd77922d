#include "app/mediate.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "app/listener.h"
#include "app/log_printer.h"
#include "base/text.h"
#include "parse/policy.h"
#include "plan/rules.h"
#include "shim/life.h"
#include "shim/monitor.h"
#include "sys/proc.h"
#include "sys/small_file.h"

namespace xc::app {
namespace {

constexpr std::size_t rules_limit = 64UL * 1024;

/// The rules are the caller's own words, like the rest of his command line.
Result<model::RoleRules> read_rules(const MediateOptions& options, model::Type type) {
  if (options.rules.empty()) return model::RoleRules{};
  const std::string text = XC_TRY(sys::read_file(AT_FDCWD, options.rules, rules_limit));
  return parse::parse_rules(text, options.rules, type);
}

/// With an identity the provider is a service of this host, as a manifest would name it; the link then looks for it.
Result<model::Offered> offer_of(const MediateOptions& options, model::Link& link) {
  model::Offer offer;
  for (std::uint8_t i = 0; i < static_cast<std::uint8_t>(model::Identity::count_); ++i)
    if (options.identity == name_of(static_cast<model::Identity>(i))) offer.identity = static_cast<model::Identity>(i);
  if (!offer.identity || link.type != model::Type::raw_unix)
    return fail(Kind::usage, "--identity: expected json-line, proxy-v2 or credentials, of a unix link");
  offer.name = link.service;
  offer.type = link.type;
  offer.socket = std::exchange(link.address, "");
  offer.socket_kind = link.socket_kind;
  offer.roles.emplace();
  model::RoleRules& rules = (*offer.roles)[link.role] = link.grants.front().rules;
  if (!rules.raw_unix) rules.raw_unix.emplace();
  rules.uid = options.uid;
  return model::Offered{"", model::Origin::host, std::move(offer)};
}

Result<shim::Config> config_of(const MediateOptions& options) {
  const auto type = model::type_of(options.type);
  if (!type || !plan::is_supported(*type))
    return fail(Kind::usage,
                "TYPE: " + text::quoted(options.type) + " is not mediated; try unix, rest, dbus or wayland");
  const auto kind = model::socket_kind_of(options.socket_kind);
  if (!kind || *kind == model::SocketKind::datagram ||
      (*kind != model::SocketKind::stream && *type != model::Type::raw_unix))
    return fail(Kind::usage, "--socket-type: expected stream, or for unix seqpacket");
  model::Link link;
  link.socket_kind = *kind;
  link.service = options.type;
  link.role = options.role;
  link.target = options.listen;
  link.address = options.connect;
  link.type = *type;
  link.render_node = true;  // whoever calls has what the machine has
  link.grants = {{.provider = "*", .rules = XC_TRY(read_rules(options, *type))}};
  shim::Config config;
  config.consumer = options.client;
  if (!options.identity.empty()) config.host.push_back(XC_TRY(offer_of(options, link)));
  config.links.push_back(std::move(link));
  return config;
}

Result<shim::Admission> admission_of(const MediateOptions& options) {
  shim::Admission admission{options.client_uids, {}};
  if (options.client_root.empty()) return admission;
  const Fd root{::open(options.client_root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!root) return fail_errno(Kind::usage, "--client-root " + text::printable(options.client_root), errno);
  admission.root = XC_TRY(sys::id_of(root.get()));
  return admission;
}

}  // namespace

Result<> serve(const shim::Config& config, const ServeOptions& options) {
  LogPrinter printer = options.log ? XC_TRY(LogPrinter::start()) : LogPrinter();
  const auto proc = XC_TRY(sys::Proc::open());
  std::vector<Listener> places;
  std::vector<Fd> listeners;
  for (const model::Link& link : config.links) {
    places.push_back(
        XC_TRY_IN(link.target, Listener::make(link.target, shim::kind_of(link.socket_kind), options.replace)));
    listeners.push_back(places.back().take());
  }
  const shim::Street street{config.consumer, config.key, proc, config.host, nullptr, nullptr, &options.admission};
  shim::Watch watch;
  watch.signals = XC_TRY(shim::watch_signals());
  if (options.ready_fd >= 0) watch.lifetime = Fd(options.ready_fd);
  watch.observer = printer.take();
  const auto monitor = XC_TRY(shim::Monitor::create(config, street, std::move(listeners), std::move(watch)));
  if (options.ready_fd >= 0 && ::write(options.ready_fd, "x", 1) != 1)
    return fail_errno(Kind::usage, "ready descriptor", errno);
  return monitor->run();
}

Result<> mediate(const MediateOptions& options) {
  const auto config = XC_TRY(config_of(options));
  return serve(config, {.ready_fd = options.ready_fd, .log = options.log, .admission = XC_TRY(admission_of(options))});
}

}  // namespace xc::app
