// Who the container is, as its engine told a hook. Structs only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xc::model {

enum class Engine : std::uint8_t { oci, lxc, count_ };
[[nodiscard]] std::string_view name_of(Engine engine);

/// The moment of the container's life at which a hook runs; `other` is any stage we refuse to work in.
enum class Stage : std::uint8_t { create, stopped, other, count_ };

/// An annotation: "1" when the container keeps the groups of its user. What podman's --group-add keep-groups becomes
/// (crun(1)).
inline constexpr std::string_view keeps_groups = "run.oci.keep_original_groups";

/// No process has a greater number (PID_MAX_LIMIT; proc_sys_kernel(5)).
inline constexpr std::int64_t highest_pid = 4194304;

/// The state an OCI runtime writes to a hook's standard input (runtime-spec, "State").
struct OciState {
  std::string id;
  std::string status;
  std::string bundle;    ///< absolute path, or empty
  std::int64_t pid = 0;  ///< 0 when absent
  std::map<std::string, std::string> annotations;
  bool names_root = false;  ///< "root" is there, which OCI does not ask for and crun alone says
};
template <class A>
void fields(A& a, OciState& s) {
  a("id", s.id);
  a("status", s.status);
  a("bundle", s.bundle);
  a("pid", s.pid);
  a("annotations", s.annotations);
  a("names-root", s.names_root);
}

/// What we read of the bundle's config.json (runtime-spec).
struct OciConfig {
  std::string root_path;  ///< as written: absolute, or relative to the bundle
  bool root_readonly = false;
  std::vector<std::string> env;  ///< process.env, "NAME=value"
  std::map<std::string, std::string> annotations;
  std::string notified{};  ///< linux.seccomp.listenerPath, when the filter asks there about connect(2)
};
template <class A>
void fields(A& a, OciConfig& c) {
  a("root-path", c.root_path);
  a("root-readonly", c.root_readonly);
  a("env", c.env);
  a("annotations", c.annotations);
  a("notified", c.notified);
}

/// A container at its start, whatever the engine. Its name is the consumer's (and provider's) identity.
struct Container {
  Engine engine = Engine::oci;
  std::string name;              ///< OCI id, or LXC_NAME
  std::int64_t pid = 0;          ///< its init, in our pid namespace
  std::string bundle;            ///< host directory of config.json, or of LXC_CONFIG_FILE
  std::string root;              ///< host path of its root file system as the engine mounts it; may be empty for LXC
  std::vector<std::string> env;  ///< environment of its first process, where known
  std::map<std::string, std::string> annotations;  ///< OCI only
  std::string notified{};                          ///< host path of the socket where its filter asks about connect(2)
  bool asks_early = false;  ///< its engine must have come to that socket before it calls hooks, as crun does
};
template <class A>
void fields(A& a, Container& c) {
  a("engine", c.engine);
  a("name", c.name);
  a("pid", c.pid);
  a("bundle", c.bundle);
  a("root", c.root);
  a("env", c.env);
  a("annotations", c.annotations);
  a("notified", c.notified);
  a("asks-early", c.asks_early);
}

}  // namespace xc::model
