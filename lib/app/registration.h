// How each engine is told to call xc-hook: the lines or files of its own configuration. Runs in xc-inject.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace xc::app {

/// One file of an engine's configuration that is ours alone, or a fragment for a person to put into his.
struct Registration {
  std::string path;  ///< where it is installed; empty: the engine has no directory for it, it goes into another file
  std::string text;
};
template <class A>
void fields(A& a, Registration& r) {
  a("path", r.path);
  a("text", r.text);
}

/// The rule that asks.
inline constexpr std::string_view connect_rule = R"({ "names": [ "connect" ], "action": "SCMP_ACT_NOTIFY" })";

/// The names registrations() knows: runc, crun, podman, crio, lxc, pantavisor.
[[nodiscard]] const std::vector<std::string>& registration_engines();

/// What `engine` needs to call `program` (absolute path of xc-hook). Kind::usage for an unknown engine, with the known.
[[nodiscard]] Result<std::vector<Registration>> registrations(const std::string& engine, const std::string& program);

/// The member of config.json's "linux" that lets our shim be asked about connect(2), for links at "connect:/path"
/// (runtime-spec, "Seccomp"); with it the engine connects to `listener`.
[[nodiscard]] std::string seccomp_member(const std::string& listener);

/// The same as a fragment, for container `name` of an engine that has no place for it (runc, crun) and a state
/// directory at `state`; Kind::usage for others, and for a name that no container can have.
[[nodiscard]] Result<Registration> redirection(const std::string& engine, const std::string& name,
                                               const std::string& state);

/// A place for the engine of container `name` until its shim is there, for 60 seconds (shim/waiting_room.h).
[[nodiscard]] Result<> await_engine(const std::string& name, const std::string& state);

/// Kind::usage when the path cannot stand in the files of engines without quoting.
[[nodiscard]] Result<> check_program(const std::string& program);

/// Writes `text` to `path`, whole or not at all; directories that are missing are made.
[[nodiscard]] Result<> write_file(const std::string& path, const std::string& text);

/// Writes the files below `root` ("" = the host itself), each whole or not at all; files that are the same already stay
/// untouched. The answer is what was written. Kind::usage when the engine has no directory of its own: `print` it then.
[[nodiscard]] Result<std::vector<std::string>> install(const std::string& engine, const std::string& program,
                                                       const std::string& root);

/// The files that install() would write are removed, those that are there; the answer is what was removed.
[[nodiscard]] Result<std::vector<std::string>> uninstall(const std::string& engine, const std::string& root);

}  // namespace xc::app
