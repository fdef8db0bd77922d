// How engines are told to call a hook: entries of config.json (runtime-spec, "hooks") and files of hooks.d
// (oci-hooks(5)). Structs only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace xc::model {

/// One program an engine calls.
struct HookCall {
  std::string stage;  ///< as written; empty in a file of hooks.d, which has a list of them
  std::string path;
  std::vector<std::string> args;
  std::optional<std::uint64_t> timeout;  ///< seconds
};
template <class A>
void fields(A& a, HookCall& h) {
  a("stage", h.stage);
  a("path", h.path);
  a("args", h.args);
  a("timeout", h.timeout);
}

/// Every hook of a bundle's config.json.
struct OciHooks {
  std::vector<HookCall> calls;
};
template <class A>
void fields(A& a, OciHooks& h) {
  a("calls", h.calls);
}

/// One file of hooks.d.
struct HooksFile {
  std::string version;
  HookCall hook;
  std::vector<std::string> stages;
  bool always = false;
  bool conditions = false;                         ///< there is a condition at all; without one podman refuses the file
  std::map<std::string, std::string> annotations;  ///< regular expressions: key, value
};
template <class A>
void fields(A& a, HooksFile& h) {
  a("version", h.version);
  a("hook", h.hook);
  a("stages", h.stages);
  a("always", h.always);
  a("conditions", h.conditions);
  a("annotations", h.annotations);
}

}  // namespace xc::model
