#include "app/inputs.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>

#include "base/pack.h"
#include "base/text.h"
#include "parse/manifest.h"
#include "reader/files.h"
#include "registry/records.h"

namespace xc::app {
namespace {

constexpr std::size_t manifest_limit = 64UL * 1024;  // R16
constexpr std::size_t engine_limit = 1024UL * 1024;
constexpr std::string_view image_directory = "/etc/xconnect";
constexpr std::string_view default_config = "/etc/xconnect";

/// Nothing when it is not there.
Result<std::optional<Fd>> open_directory(const std::string& path) {
  auto directory = open_host_directory(path);
  if (directory) return std::optional<Fd>(*std::move(directory));
  if (directory.error().code == ENOENT) return std::optional<Fd>{};
  return std::unexpected(directory.error());
}

/// A document named by its whole path; it must be there.
Result<std::string> read_named(const std::string& path) {
  const auto slash = path.rfind('/');
  if (path.empty() || path.front() != '/') return fail(Kind::manifest, path + ": expected an absolute path");
  auto text = XC_TRY(read_beside(path.substr(0, slash + 1), path.substr(slash + 1), manifest_limit));
  if (!text) return fail(Kind::manifest, path + ": is not there");
  return std::move(*text);
}

Result<std::vector<std::string>> documents_in(const Fd& directory) {
  auto names = XC_TRY(registry::names_in(directory.get()));
  std::erase_if(names, [](const auto& name) { return !name.ends_with(".json") || name.starts_with('.'); });
  std::sort(names.begin(), names.end());
  return names;
}

void append(std::vector<std::string>& all, std::vector<std::string> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

Result<> add_policy(reader::Reader& reader, const std::string& text, const std::string& name, HostConfig& config) {
  auto policy = XC_TRY(reader.policy(text, name));
  config.policy.present = true;
  std::ranges::move(policy.allow, std::back_inserter(config.policy.allow));
  std::ranges::move(policy.offer, std::back_inserter(config.policy.offer));
  append(config.warnings, std::move(policy.warnings));
  return {};
}

Result<> add_services(reader::Reader& reader, const std::string& text, const std::string& name, HostConfig& config) {
  auto exports = XC_TRY(reader.services(text, name));
  for (auto& offer : exports.offers) config.services.push_back({"", model::Origin::host, std::move(offer)});
  append(config.warnings, std::move(exports.warnings));
  return {};
}

using Add = Result<> (*)(reader::Reader&, const std::string&, const std::string&, HostConfig&);

/// Only what lies in /etc/xconnect itself may be a root's whom our user namespace does not have.
reader::Keeper keeper_of(std::string_view directory) {
  return directory == default_config ? reader::Keeper::etc : reader::Keeper::host;
}

Result<> read_each(reader::Reader& reader, const std::string& top, std::string_view part, HostConfig& config, Add add) {
  const std::string path = top + std::string(part);
  const auto directory = XC_TRY(open_directory(path));
  if (!directory) return {};
  const auto keeper = keeper_of(top);
  XC_CHECK_IN(path, reader::inspect_directory(directory->get(), keeper));
  for (const auto& name : XC_TRY_IN(path, documents_in(*directory))) {
    const auto text = XC_TRY_IN(path, reader::read_document(directory->get(), name, manifest_limit, keeper));
    // Without the only policy file everything would be allowed: what was there a moment ago is not absent.
    if (!text) return fail(Kind::again, path + "/" + name + ": was taken away while the directory was read");
    XC_CHECK_IN(path, add(reader, *text, name, config));
  }
  return {};
}

/// run.json, or the args.json it would have been made from.
Result<std::optional<model::Manifest>> read_wants(reader::Reader& reader, const std::string& directory) {
  if (const auto text = XC_TRY(read_beside(directory, "run.json", manifest_limit)))
    return XC_TRY_IN(directory, reader.run(*text, "run.json"));
  if (const auto text = XC_TRY(read_beside(directory, "args.json", manifest_limit)))
    return XC_TRY_IN(directory, reader.args(*text, "args.json"));
  return std::optional<model::Manifest>{};
}

/// What the hook's own arguments ask for, in the words of annotations. Whoever typed an annotation knows better.
Result<std::map<std::string, std::string>> with_requests(std::map<std::string, std::string> words,
                                                         const std::vector<std::string>& requests) {
  std::map<std::string, std::string> asked;
  for (const std::string& request : requests) {
    const auto equals = request.find('=');
    if (equals == std::string::npos) return fail(Kind::usage, "--require: expected NAME=TARGET");
    const std::string service = request.substr(0, equals);
    const auto [first, fresh] = asked.emplace(service, request);
    if (!fresh)
      return fail(Kind::usage, "--require: " + text::quoted(first->second) + " and " + text::quoted(request) +
                                   " ask for one service; say it once");
    words.emplace("io.xconnect.require." + service, request.substr(equals + 1));
  }
  return words;
}

}  // namespace

Result<Fd> open_host_directory(const std::string& path) {
  Fd directory{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!directory) return fail_errno(Kind::manifest, path, errno);
  return directory;
}

Result<std::optional<std::string>> read_beside(const std::string& directory, const std::string& name,
                                               std::size_t limit) {
  const auto handle = XC_TRY(open_directory(directory));
  if (!handle) return std::optional<std::string>{};
  return XC_TRY_IN(directory, reader::read_document(handle->get(), name, limit, reader::Keeper::host));
}

Result<HostConfig> read_host_config(reader::Reader& reader, const std::string& named) {
  const std::string directory = named.empty() ? std::string(default_config) : named;
  const auto top = XC_TRY(open_directory(directory));
  if (!named.empty() && !top) return fail(Kind::usage, "--config " + text::printable(named) + ": is not there");
  if (top) XC_CHECK_IN(directory, reader::inspect_directory(top->get(), keeper_of(directory)));
  HostConfig config;
  XC_CHECK(read_each(reader, directory, "/policy.d", config, &add_policy));
  XC_CHECK(read_each(reader, directory, "/services.d", config, &add_services));
  return config;
}

Result<std::string> read_standard_input(sys::Deadline deadline) {
  std::string text;
  std::array<char, 16384> piece{};
  for (;;) {
    pollfd waiting{STDIN_FILENO, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, sys::milliseconds_until(deadline));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return fail_errno(Kind::kernel, "standard input", errno);
    if (ready == 0) return fail(Kind::again, "the engine did not finish the state on standard input in time");
    const ssize_t got = ::read(STDIN_FILENO, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(Kind::kernel, "standard input", errno);
    if (got == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(got));
    if (text.size() > engine_limit) return fail(Kind::manifest, "state: longer than 1 MiB");
  }
}

Result<model::Container> read_oci_container(reader::Reader& reader, const model::OciState& state) {
  model::Container container;
  container.engine = model::Engine::oci;
  container.name = state.id;
  container.pid = state.pid;
  container.bundle = state.bundle;
  container.annotations = state.annotations;
  if (state.bundle.empty()) return fail(Kind::manifest, "state: has no \"bundle\", which it must have");
  const auto text = XC_TRY(read_beside(state.bundle, "config.json", engine_limit));
  if (!text) return fail(Kind::manifest, state.bundle + "/config.json: is not there", ENOENT);
  auto config = XC_TRY_IN(state.bundle, reader.config(*text, "config.json"));
  container.root = config.root_path.starts_with('/') ? config.root_path : state.bundle + "/" + config.root_path;
  container.env = std::move(config.env);
  container.annotations.merge(config.annotations);
  container.notified = std::move(config.notified);
  container.asks_early = !container.notified.empty() && state.names_root;
  return container;
}

std::vector<model::Offered> all_offered(std::vector<model::Offered> by_containers, const HostConfig& host) {
  by_containers.insert(by_containers.end(), host.services.begin(), host.services.end());
  return by_containers;
}

registry::Sought sought_by(const model::Manifest& wants) {
  return [&wants](const std::string& service) {
    return std::ranges::any_of(wants.requirements, [&](const auto& wanted) { return wanted.name == service; });
  };
}

Result<Manifests> read_manifests(reader::Reader& reader, const model::Container& container,
                                 const HookOptions& options) {
  Manifests manifests;
  const auto words = XC_TRY(with_requests(container.annotations, options.require));
  auto said = XC_TRY(parse::parse_annotations(words));
  const std::string run = options.run.empty() ? said.run : options.run;
  const std::string services = options.services.empty() ? said.services : options.services;
  manifests.wants = std::move(said.manifest);
  std::optional<model::Manifest> wants;
  if (!run.empty()) {
    const auto text = XC_TRY(read_named(run));
    wants = XC_TRY(reader.run(text, run));
  } else {
    wants = XC_TRY(read_wants(reader, container.bundle));
  }
  if (wants) {
    std::ranges::move(wants->requirements, std::back_inserter(manifests.wants.requirements));
    append(manifests.wants.warnings, std::move(wants->warnings));
  }
  if (!services.empty()) {
    const auto text = XC_TRY(read_named(services));
    manifests.offers = XC_TRY(reader.services(text, services));
    manifests.annotated = options.services.empty();
  } else if (const auto beside = XC_TRY(read_beside(container.bundle, "services.json", manifest_limit))) {
    manifests.offers = XC_TRY_IN(container.bundle, reader.services(*beside, "services.json"));
  }
  return manifests;
}

Result<std::optional<model::Exports>> read_image_offers(reader::Reader& reader, const sys::RootedDir& root,
                                                        sys::Deadline deadline) {
  // In a child: the image's file system may hang.
  const auto work = [&]() -> Result<sys::Answer> {
    const auto directory = root.resolve(image_directory);
    if (!directory && directory.error().code != ENOENT && directory.error().code != ENOTDIR)
      return std::unexpected(in_context(image_directory, directory.error()));  // not seen is not absent
    std::optional<std::string> text;
    if (directory)
      text = XC_TRY(reader::read_document(directory->get(), "services.json", manifest_limit, reader::Keeper::image));
    return sys::Answer{pack(text)};
  };
  const auto answer = XC_TRY_IN("image", sys::run_child(work, deadline));
  const auto text = XC_TRY(unpack<std::optional<std::string>>(answer.bytes));
  if (!text) return std::optional<model::Exports>{};
  return XC_TRY_IN("image: /etc/xconnect", reader.services(*text, "services.json"));
}

}  // namespace xc::app
