// What doctor sees of /etc/xconnect: policy, host services and the sockets they name.
#include <fcntl.h>

#include <cerrno>

#include "app/doctor.h"
#include "plan/rules.h"
#include "reader/files.h"
#include "reader/reader.h"
#include "sys/unix_socket.h"

namespace xc::app {
namespace {

constexpr std::size_t manifest_limit = 64UL * 1024;

sys::SocketKind kind_of(model::SocketKind kind) {
  return kind == model::SocketKind::seqpacket ? sys::SocketKind::seqpacket : sys::SocketKind::stream;
}

/// The errno of connecting there; 0 when somebody listens, even when he is busy.
int try_to_connect(const std::string& path, model::SocketKind kind) {
  const Fd file{::open(path.c_str(), O_PATH | O_CLOEXEC)};
  if (!file) return errno;
  const auto connected = sys::connect_path(file, kind_of(kind));
  return connected || connected.error().code == EAGAIN ? 0 : connected.error().code;
}

void add_endpoints(const DoctorOptions& options, const model::Offer& offer, advice::Facts& facts) {
  facts.offered.push_back(offer.name);
  if (!options.root.empty()) return;  // what runs there is not known
  std::vector<std::string> sockets{offer.socket};
  if (offer.sockets)
    for (const auto& [role, socket] : *offer.sockets) sockets.push_back(socket);
  for (const std::string& socket : sockets) {
    if (!socket.starts_with('/')) continue;  // an abstract name or a port belongs to a network namespace
    advice::Endpoint endpoint{"", offer.name, std::string(model::name_of(offer.type)), place_at(socket)};
    if (endpoint.place.sort == advice::Sort::socket)
      endpoint.place.connecting = try_to_connect(socket, offer.socket_kind);
    facts.endpoints.push_back(endpoint);
  }
}

/// Its warnings.
Result<std::vector<std::string>> look_at_document(const DoctorOptions& options, const std::string& directory,
                                                  const std::string& name, bool policy, advice::Facts& facts) {
  const Fd handle{::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!handle) return fail_errno(Kind::manifest, directory, errno);
  const auto text = XC_TRY(reader::read_document(handle.get(), name, manifest_limit, reader::Keeper::host));
  if (!text) return fail(Kind::manifest, name + ": is not there");
  auto reader = XC_TRY(reader::Reader::start());
  if (policy) {
    auto read = XC_TRY(reader.policy(*text, name));
    return std::move(read.warnings);
  }
  auto exports = XC_TRY(reader.services(*text, name));
  XC_CHECK(plan::check_offers(exports));
  for (const auto& offer : exports.offers) add_endpoints(options, offer, facts);
  return std::move(exports.warnings);
}

}  // namespace

std::string config_of(const DoctorOptions& options) {
  return options.config.empty() ? options.root + "/etc/xconnect" : options.config;
}

void look_at_configuration(const DoctorOptions& options, advice::Facts& facts) {
  for (const bool policy : {true, false}) {
    const std::string directory = config_of(options) + (policy ? "/policy.d" : "/services.d");
    for (const std::string& name : names_at(directory)) {
      if (name.starts_with('.')) continue;
      advice::Document document;
      document.path = directory + "/" + name;
      document.ignored = !name.ends_with(".json");
      if (!document.ignored) {
        auto warnings = look_at_document(options, directory, name, policy, facts);
        if (warnings) document.warnings = std::move(*warnings);
        if (!warnings) document.error = warnings.error().text;
      }
      facts.documents.push_back(document);
    }
  }
}

}  // namespace xc::app
