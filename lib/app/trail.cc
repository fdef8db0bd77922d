#include "app/trail.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <iterator>
#include <utility>

#include "base/text.h"
#include "grant/hosted_bus.h"
#include "registry/records.h"

namespace xc::app {
namespace {

constexpr std::size_t manifest_limit = 64UL * 1024;  // R16
constexpr std::size_t state_limit = 1024UL * 1024;
constexpr const char* bus_socket = "/run/pv/dbus/system_bus_socket";

/// Where a container's files are.
struct Place {
  std::string directory;
  std::string revision;  ///< around it
  std::string storage;   ///< around all revisions; empty = not known
};

std::string above(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

bool is_revision(const std::string& path) {
  return !path.empty() && ::access((path + "/.pvr/json").c_str(), F_OK) == 0;
}

Result<std::optional<Place>> find_place(const std::string& name, const std::string& directory,
                                        const std::string& storage) {
  std::array<char, PATH_MAX> real{};
  if (!directory.empty() && ::realpath(directory.c_str(), real.data()) != nullptr) {
    const std::string here = real.data();
    const std::string trails = above(above(here));
    if (is_revision(above(here)))
      return Place{here, above(here), !storage.empty() ? storage : trails.ends_with("/trails") ? above(trails) : ""};
  }
  if (storage.empty()) return std::optional<Place>{};
  const std::string current = storage + "/trails/current";
  if (!is_revision(current) || ::access((current + "/" + name).c_str(), F_OK) != 0)
    return fail(Kind::usage, "--storage " + text::quoted(storage) + ": has no trails/current with the container " +
                                 text::quoted(name));
  return Place{current + "/" + name, current, storage};
}

/// The containers' own files, where the state document cannot be used.
Result<model::Revision> read_files(reader::Reader& reader, const std::string& revision) {
  const Fd directory = XC_TRY(open_host_directory(revision));
  model::Revision found;
  for (const auto& name : XC_TRY_IN(revision, registry::names_in(directory.get()))) {
    if (!text::is_name(name)) continue;
    const auto text = read_beside(revision + "/" + name, "services.json", manifest_limit);
    if (text && !*text) continue;
    if (!text && text.error().code == ENOTDIR) continue;
    model::Member member{name, {}, {}, {}};
    auto offers = text ? reader.services(**text, name + "/services.json") : std::unexpected(text.error());
    if (offers)
      member.offers = *std::move(offers);
    else
      member.fault = offers.error().text;
    found.members.push_back(std::move(member));
  }
  return found;
}

Result<model::Revision> read_revision(reader::Reader& reader, const std::string& path,
                                      std::vector<std::string>& warnings) {
  const std::string directory = path + "/.pvr";
  auto text = read_beside(directory, "json", state_limit);
  if (text && *text) {
    auto revision = reader.revision(**text, "json");
    if (revision) return revision;
    text = std::unexpected(in_context(directory, revision.error()));
  }
  if (text) return fail(Kind::again, directory + "/json: was taken away while it was read");
  warnings.push_back("the state of the revision cannot be used: " + text.error().text);
  return read_files(reader, path);
}

/// The container's own part is taken out of `revision`; the other parts are what is declared.
void sort_members(const std::string& name, model::Revision revision, Trail& trail, std::vector<model::Offer>& owners) {
  for (model::Member& member : revision.members) {
    for (const model::Offer& offer : member.offers.value_or(model::Exports{}).offers) {
      if (grant::owns_on_hosted_bus(offer)) owners.push_back(offer);
      if (member.name != name) trail.declared.push_back({member.name, model::Origin::host, offer});
    }
    if (member.name == name) {
      trail.wants = std::move(member.wants);
      trail.offers = std::move(member.offers);
      trail.fault = std::move(member.fault);
    } else if (!member.fault.empty()) {
      trail.warnings.push_back("what " + text::quoted(member.name) + " declares is not known: " + member.fault);
    }
  }
}

/// Who the roles are is Pantavisor's word; without it nobody may use the bus, as everybody would be root there.
Result<model::Offered> read_bus(reader::Reader& reader, const std::string& storage,
                                const std::vector<model::Offer>& owners, std::vector<std::string>& warnings) {
  model::RoleUids roles;
  const std::string directory = storage + "/config";
  const std::string file = directory + "/dbus-role-uids.json";
  const auto text = storage.empty() ? std::optional<std::string>{}
                                    : XC_TRY(read_beside(directory, "dbus-role-uids.json", manifest_limit));
  if (text)
    roles = XC_TRY_IN(directory, reader.role_uids(*text, "dbus-role-uids.json"));
  else
    warnings.push_back(storage.empty() ? "the bus of the device has no roles: say with --storage where its config/ is"
                                       : "the bus of the device has no roles: " + text::quoted(file) + " is not there");
  return grant::make_hosted_bus(owners, roles.uids, bus_socket);
}

}  // namespace

Result<std::optional<Trail>> read_trail(reader::Reader& reader, const std::string& name, const std::string& directory,
                                        const HookOptions& options) {
  const auto place = XC_TRY(find_place(name, directory, options.storage));
  if (!place) return std::optional<Trail>{};
  Trail trail;
  trail.directory = place->directory;
  std::vector<model::Offer> owners;
  sort_members(name, XC_TRY(read_revision(reader, place->revision, trail.warnings)), trail, owners);
  const auto is_bus = [](const model::Offered& one) { return one.offer.name == grant::hosted_bus_name; };
  // A container that offers the bus itself is meant by its name.
  if (!owners.empty() && std::ranges::none_of(trail.declared, is_bus))
    trail.bus = XC_TRY(read_bus(reader, place->storage, owners, trail.warnings));
  return std::optional<Trail>(std::move(trail));
}

Result<> complete(Manifests& manifests, const Trail& trail, const HookOptions& options) {
  const bool wants = options.run.empty() && manifests.wants.requirements.empty();
  const bool offers = options.services.empty() && !manifests.offers;
  const bool faulty = (wants && !trail.wants) || (offers && !trail.offers);
  if (faulty && !trail.fault.empty()) return fail(Kind::manifest, trail.fault);
  if (wants && trail.wants) manifests.wants = *trail.wants;
  if (offers) manifests.offers = trail.offers;
  return {};
}

}  // namespace xc::app
