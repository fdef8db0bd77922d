// Who is linked with whom, in the words of Pantavisor's xconnect-graph (pv-ctrl, GET /xconnect-graph). Structs only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xc::model {

/// One link. The provider "_pv_" is the host itself; a pid of -1 means "not started yet", of 0 the host.
struct Edge {
  std::string consumer;
  std::int64_t consumer_pid = -1;
  std::string provider;
  std::int64_t provider_pid = -1;
  std::string name;
  std::string type;
  std::string role = "any";
  std::string interface;
  std::optional<std::string> target;  ///< null there, when nobody named one
  std::optional<std::string> socket;
  std::optional<std::uint32_t> uid;  ///< of the role, on a hosted bus
};
template <class A>
void fields(A& a, Edge& e) {
  a("consumer", e.consumer);
  a("consumer_pid", e.consumer_pid);
  a("provider", e.provider);
  a("provider_pid", e.provider_pid);
  a("name", e.name);
  a("type", e.type);
  a("role", e.role);
  a("interface", e.interface);
  a("target", e.target);
  a("socket", e.socket);
  a("uid", e.uid);
}

struct Graph {
  std::vector<Edge> edges;
};
template <class A>
void fields(A& a, Graph& g) {
  a("edges", g.edges);
}

inline constexpr const char* graph_host = "_pv_";

}  // namespace xc::model
