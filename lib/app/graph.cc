#include "app/graph.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "app/doctor.h"
#include "app/inputs.h"
#include "base/text.h"
#include "reader/reader.h"
#include "registry/providers.h"
#include "registry/records.h"
#include "sys/command.h"

namespace xc::app {
namespace {

constexpr std::chrono::seconds patience{10};

/// Somebody who offers something, with the pid that a graph shows.
struct Seller {
  std::string name;
  std::int64_t pid = -1;
  model::Offer offer;
};

model::Edge edge_to(const std::vector<Seller>& sellers, const std::string& service, const std::string& wanted) {
  model::Edge edge;
  edge.name = service;
  for (const Seller& seller : sellers) {
    if (seller.offer.name != service) continue;
    if (!wanted.empty() && wanted != seller.name && !(wanted == "@host" && seller.name == model::graph_host)) continue;
    edge.provider = seller.name;
    edge.provider_pid = seller.pid;
    edge.type = model::name_of(seller.offer.type);
    edge.socket = seller.offer.socket;
    break;
  }
  return edge;
}

void add_host(const HostConfig& host, std::vector<Seller>& sellers) {
  for (const auto& offered : host.services) sellers.push_back({model::graph_host, 0, offered.offer});
}

model::Edge edge_of(const registry::Record& record, const model::Link& link, const std::vector<Seller>& sellers) {
  model::Edge edge = edge_to(sellers, link.service, link.provider);
  edge.consumer = record.container.name;
  edge.consumer_pid = record.init.pid;
  edge.role = link.role;
  if (edge.type.empty()) edge.type = model::name_of(link.type);
  edge.interface = edge.type;
  edge.target = link.target;
  return edge;
}

/// The manifests of one container's directory.
struct Folder {
  std::string name;
  model::Manifest wants;
  model::Exports offers;
};

Result<Folder> read_folder(const std::string& directory) {
  Folder folder;
  const std::string bare = directory.substr(0, directory.find_last_not_of('/') + 1);
  folder.name = bare.substr(bare.rfind('/') + 1);
  auto reader = XC_TRY(reader::Reader::start());
  for (const char* kind : {"run.json", "args.json"}) {
    const std::string file = bare + "/" + kind;
    if (place_at(file).sort == advice::Sort::missing) continue;
    const std::string text = XC_TRY(read_at(file));
    folder.wants =
        std::string_view(kind) == "run.json" ? XC_TRY(reader.run(text, file)) : XC_TRY(reader.args(text, file));
    break;
  }
  const std::string file = bare + "/services.json";
  if (place_at(file).sort != advice::Sort::missing) {
    const std::string text = XC_TRY(read_at(file));
    folder.offers = XC_TRY(reader.services(text, file));
  }
  return folder;
}

/// The directories themselves, or those inside that are containers'.
std::vector<std::string> folders_in(const std::string& directory) {
  const auto has_manifest = [](const std::string& place) {
    return std::ranges::any_of(std::vector<std::string>{"/run.json", "/args.json", "/services.json"},
                               [&](const auto& name) { return place_at(place + name).sort == advice::Sort::file; });
  };
  if (has_manifest(directory)) return {directory};
  std::vector<std::string> inside;
  for (const std::string& name : names_at(directory))
    if (has_manifest(directory + "/" + name)) inside.push_back(directory + "/" + name);
  return inside;
}

std::string resolved(const std::string& directory) {
  return directory == "." || directory.ends_with("/.") || directory.ends_with("..") ? real_path_of(directory)
                                                                                    : directory;
}

}  // namespace

Result<model::Graph> graph_of_state(const std::string& path, const std::string& config) {
  const auto state = registry::StateDir::find(path);
  if (!state && state.error().code == ENOENT) return model::Graph{};
  if (!state) return std::unexpected(state.error());
  auto reader = XC_TRY(reader::Reader::start());
  std::vector<Seller> sellers;
  const auto market = XC_TRY(registry::survey(*state));
  for (std::size_t i = 0; i < market.offered.size(); ++i)
    sellers.push_back({market.offered[i].provider, market.providers[i].init.pid, market.offered[i].offer});
  add_host(XC_TRY(read_host_config(reader, config)), sellers);
  model::Graph graph;
  for (const auto& key : XC_TRY(registry::keys(*state))) {
    const auto record = XC_TRY(registry::read(*state, key));
    if (!record || !registry::is_alive(record->init).value_or(false)) continue;
    for (const model::Link& link : record->links) graph.edges.push_back(edge_of(*record, link, sellers));
  }
  return graph;
}

Result<model::Graph> graph_of_files(const std::vector<std::string>& directories, const std::string& config) {
  std::vector<Folder> folders;
  for (const std::string& directory : directories) {
    const auto inside = folders_in(resolved(directory));
    if (inside.empty())
      return fail(Kind::usage, text::printable(directory) + ": holds no run.json, args.json or services.json");
    for (const std::string& one : inside) folders.push_back(XC_TRY(read_folder(one)));
  }
  std::vector<Seller> sellers;
  for (const Folder& folder : folders)
    for (const model::Offer& offer : folder.offers.offers) sellers.push_back({folder.name, -1, offer});
  auto reader = XC_TRY(reader::Reader::start());
  add_host(XC_TRY(read_host_config(reader, config)), sellers);
  model::Graph graph;
  for (const Folder& folder : folders) {
    for (const model::Requirement& wanted : folder.wants.requirements) {
      model::Edge edge = edge_to(sellers, wanted.name, wanted.provider);
      edge.consumer = folder.name;
      edge.role = wanted.role;
      if (edge.type.empty()) edge.type = wanted.type;
      edge.interface = wanted.interface.empty() ? edge.type : wanted.interface;
      if (!wanted.targets.empty()) edge.target = wanted.targets.front();
      graph.edges.push_back(std::move(edge));
    }
  }
  return graph;
}

Result<model::Graph> graph_in_file(const std::string& file) {
  const bool standard = file == "-";
  auto read = standard ? read_standard_input(std::chrono::steady_clock::now() + patience) : read_at(file);
  if (!read && !standard) read.error().kind = Kind::usage;  // as of `check` and `render`
  const std::string text = XC_TRY(std::move(read));
  auto reader = XC_TRY(reader::Reader::start());
  return reader.graph(text, standard ? "standard input" : file);
}

Result<std::string> svg_of(const std::string& dot) {
  const std::string program = sys::find_program("dot");
  if (program.empty()) return fail(Kind::usage, "--svg needs graphviz: apt-get install graphviz, or use --dot");
  return XC_TRY_IN(program, sys::output_of({program, "-Tsvg"}, std::chrono::steady_clock::now() + patience, dot));
}

}  // namespace xc::app
