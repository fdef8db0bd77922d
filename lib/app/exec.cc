// See exec.h.
#include "app/exec.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <iterator>
#include <map>
#include <optional>

#include "app/given.h"
#include "app/inputs.h"
#include "app/listener.h"
#include "app/running.h"
#include "base/text.h"
#include "parse/manifest.h"
#include "plan/planner.h"
#include "registry/providers.h"
#include "registry/records.h"
#include "shim/life.h"
#include "shim/monitor.h"
#include "sys/enter.h"
#include "sys/hidden_listener.h"
#include "sys/log.h"
#include "sys/reap.h"
#include "sys/small_file.h"

namespace xc::app {
namespace {

constexpr std::size_t words_limit = 1024UL * 1024;

/// A service as it was typed.
struct Wish {
  std::string service;
  std::string options;  ///< ";role=..." and more
  std::string address;  ///< empty: the plan knows
};

Wish read_wish(const std::string& word) {
  const auto end = word.find_first_of("=;");
  Wish wish{word.substr(0, end), "", ""};
  if (end == std::string::npos) return wish;
  (word[end] == '=' ? wish.address : wish.options) = word.substr(word[end] == '=' ? end + 1 : end);
  return wish;
}

/// Connected at once to what a person named; nobody mediates. That it is Wayland says the rendezvous, or the person.
Result<std::vector<Given>> connect_directly(const std::vector<Wish>& wishes) {
  std::vector<Given> all;
  for (const Wish& wish : wishes) {
    if (wish.address.empty()) continue;
    auto reached = XC_TRY(connect_to(wish.address));
    all.push_back({wish.service, reached.wayland || wish.service == "wayland", std::move(reached.socket)});
  }
  return all;
}

/// A listener that nobody else can find: its only client is the one that is connected here.
struct Line {
  Fd listener;
  Fd client;
};
Result<Line> lay_line(model::SocketKind kind) {
  auto hidden = XC_TRY(sys::listen_hidden({"/tmp", "/dev/shm"}, shim::kind_of(kind)));
  Line line{std::move(hidden.listener), XC_TRY(sys::connect_path(hidden.file, shim::kind_of(kind)))};
  XC_CHECK(make_blocking(line.client));
  return line;
}

/// The plan of a program of the host, as of a container of that name.
Result<model::Plan> plan_for(const ExecOptions& options, const std::vector<Wish>& wishes, const HostConfig& host,
                             const std::optional<registry::StateDir>& state) {
  model::Container program;
  program.name = options.name;
  if (program.name.empty()) program.name = options.command.front().substr(options.command.front().rfind('/') + 1);
  std::map<std::string, std::string> words;
  for (const Wish& wish : wishes)
    if (wish.address.empty()) words["io.xconnect.require." + wish.service] = "fd:" + wish.service + wish.options;
  auto wants = XC_TRY(parse::parse_annotations(words)).manifest;
  for (auto& wanted : wants.requirements) wanted.where = "SERVICE";
  std::vector<model::Offered> by_containers;
  if (state) by_containers = XC_TRY(registry::survey(*state, sought_by(wants))).offered;
  const model::HostFacts facts{.offered = all_offered(std::move(by_containers), host)};
  auto plan = XC_TRY(plan::make_plan(program, wants, {}, model::Origin::host, host.policy, facts));
  for (auto& link : plan.links) {
    if (model::is_node(link)) return fail(Kind::usage, link.service + ": is a device: programs open it by its path");
    link.target = "/" + link.service;  // nobody meets anybody: the program has its end already
  }
  return plan;
}

Result<std::vector<Given>> listen_for(const ExecOptions& options, const HostConfig& host, std::vector<Listener>& held) {
  std::vector<Given> all;
  for (const std::string& name : options.listen) {
    const auto offered = std::ranges::find_if(host.services, [&](const auto& one) { return one.offer.name == name; });
    if (offered == host.services.end()) return fail(Kind::usage, text::quoted(name) + ": no service of the host");
    const model::Offer& offer = offered->offer;
    held.push_back(XC_TRY_IN(offer.socket, Listener::make(offer.socket, shim::kind_of(offer.socket_kind), true)));
    all.push_back({name, false, held.back().take()});
    XC_CHECK(make_blocking(all.back().socket));
  }
  return all;
}

/// Mediates as long as the program lives; its exit code.
Result<int> serve_until_end(pid_t child, const shim::Config& config, const shim::Street& street,
                            std::vector<Fd> listeners) {
  shim::Watch watch;
  watch.lifetime = sys::open_pidfd(child);
  watch.signals = XC_TRY(shim::watch_signals());
  const auto monitor = XC_TRY(shim::Monitor::create(config, street, std::move(listeners), std::move(watch)));
  const auto served = monitor->run();
  const int status = sys::reap(child);
  XC_CHECK(served);
  return sys::exit_code_of(status);
}

/// Starts the program and serves its links until it ends.
Result<int> run_here(const ExecOptions& options, const std::vector<Wish>& wishes) {
  auto reader = XC_TRY(reader::Reader::start());
  const HostConfig host = XC_TRY(read_host_config(reader, options.config));
  const auto proc = XC_TRY(sys::Proc::open());
  std::optional<registry::StateDir> state;
  if (auto found = registry::StateDir::find(options.state)) state.emplace(std::move(*found));
  const auto plan = XC_TRY(plan_for(options, wishes, host, state));
  std::vector<Listener> held;
  auto listening = XC_TRY(listen_for(options, host, held));
  auto connected = XC_TRY(connect_directly(wishes));
  shim::Config config;
  config.consumer = plan.container.name;
  config.links = plan.links;
  std::vector<Fd> listeners;
  for (const model::Link& link : plan.links) {
    auto line = XC_TRY_IN(link.service, lay_line(link.socket_kind));
    listeners.push_back(std::move(line.listener));
    connected.push_back({link.service, link.type == model::Type::wayland, std::move(line.client)});
  }
  const shim::Street street{config.consumer, config.key, proc, host.services, state ? &*state : nullptr, nullptr};
  const pid_t child = ::fork();
  if (child < 0) return fail_errno(Kind::kernel, "fork", errno);
  if (child == 0) {
    const auto why = become(options.command, listening, connected);
    log::error(why.error().text);
    ::_exit(127);
  }
  listening.clear();
  connected.clear();
  return serve_until_end(child, config, street, std::move(listeners));
}

Result<registry::Record> record_of(const std::string& path, const std::string& container) {
  const auto state = XC_TRY(registry::StateDir::find(path));
  const auto key = XC_TRY(find_entry(state, container));
  auto record = key ? XC_TRY(registry::read(state, *key)) : std::nullopt;
  if (record) return std::move(*record);
  return fail(Kind::usage, container + ": no such container is served");
}

Result<std::vector<Given>> connect_inside(const registry::Record& record, const std::vector<Wish>& wishes) {
  auto all = XC_TRY(connect_directly(wishes));
  for (const Wish& wish : wishes) {
    if (!wish.address.empty()) continue;
    const auto link = std::ranges::find(record.links, wish.service, &model::Link::service);
    if (link == record.links.end() || model::is_node(*link))
      return fail(Kind::usage, record.container.name + " has no link to a service " + text::quoted(wish.service));
    const bool packets = link->socket_kind == model::SocketKind::seqpacket;
    auto reached = XC_TRY(connect_to(link->target, packets));
    all.push_back({wish.service, link->type == model::Type::wayland, std::move(reached.socket)});
  }
  return all;
}

Result<int> run_inside(const ExecOptions& options, const std::vector<Wish>& wishes) {
  if (!options.listen.empty()) return fail(Kind::usage, "--listen: only for programs of the host");
  const auto words = XC_TRY(own_words());
  XC_CHECK(sys::run_from_memory(words));
  const auto record = XC_TRY(record_of(options.state, options.container));
  const auto proc = XC_TRY(sys::Proc::open());
  const auto init = XC_TRY(sys::find_process(proc, static_cast<pid_t>(record.init.pid), record.init.start_time));
  if (!init) return fail(Kind::usage, options.container + ": has ended");
  const auto inside = XC_TRY(sys::enter_container(proc, *init));
  if (!inside.child) return inside.code;
  ::clearenv();
  ::setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
  const auto connected = connect_inside(record, wishes);
  const auto why = connected ? become(options.command, {}, *connected) : std::unexpected(connected.error());
  log::error(why.error().text);
  ::_exit(127);
}

}  // namespace

Result<std::vector<std::string>> own_words() {
  const std::string text = XC_TRY(sys::read_file(AT_FDCWD, "/proc/self/cmdline", words_limit));
  std::vector<std::string> words;
  for (const auto word : text::split(text, '\0')) words.emplace_back(word);
  words.pop_back();  // each word ends in a zero
  return words;
}

Result<int> exec(const ExecOptions& options) {
  if (options.command.empty()) return fail(Kind::usage, "no program: say it behind \"--\"");
  std::vector<Wish> wishes;
  for (const std::string& word : options.services) {
    Wish wish = read_wish(word);
    if (std::ranges::find(wishes, wish.service, &Wish::service) != wishes.end())
      return fail(Kind::usage, text::quoted(wish.service) + " is asked for twice; say it once");
    wishes.push_back(std::move(wish));
  }
  if (!options.container.empty()) return run_inside(options, wishes);
  const bool plain =
      options.listen.empty() && std::ranges::all_of(wishes, [](const Wish& wish) { return !wish.address.empty(); });
  if (!plain) return run_here(options, wishes);
  const auto connected = XC_TRY(connect_directly(wishes));  // needs no right and no file of ours: works in a container
  return become(options.command, {}, connected);
}

}  // namespace xc::app
