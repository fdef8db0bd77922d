// What was seen of a host and of a container, as data: gathered by app/, judged by judge.h, written by tests. Structs
// only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/hooks.h"
#include "model/link.h"

namespace xc::advice {

enum class Sort : std::uint8_t { missing, file, directory, socket, character, block, link, other, count_ };

/// What is at a path of the host.
struct Place {
  std::string path;
  Sort sort = Sort::missing;
  std::uint32_t uid = 0;
  std::uint32_t mode = 0;                  ///< permission bits
  bool executable = false;                 ///< by us
  std::optional<std::int32_t> connecting;  ///< of a socket: the errno of connect(2), 0 when somebody listens
};
template <class A>
void fields(A& a, Place& p) {
  a("path", p.path);
  a("sort", p.sort);
  a("uid", p.uid);
  a("mode", p.mode);
  a("executable", p.executable);
  a("connecting", p.connecting);
}

struct Kernel {
  std::string release;
  std::vector<std::string> missing;     ///< system calls that it does not have
  std::vector<std::string> namespaces;  ///< those it does not have, as in /proc/PID/ns
  std::vector<std::string> exhausted;   ///< those that may not be made: /proc/sys/user/max_X_namespaces is 0
  bool seccomp = true;
  std::uint32_t uid = 0;  ///< ours; some things only root sees
};

struct Cgroups {
  bool v1 = false;  ///< a hierarchy of version 1 with controllers is mounted
  bool v2 = false;
  bool devices = false;  ///< the controller, of version 1
  bool memory = false;   ///< in either version
  bool writable = true;  ///< where version 2, or version 1's memory, is mounted
};

struct Engine {
  std::string name;
  std::string version;  ///< as it says; empty: it is there but does not answer
  std::string trouble;  ///< why it does not
};

/// A file of hooks.d.
struct HooksD {
  std::string path;
  std::optional<model::HooksFile> read;
  std::string error;   ///< when it cannot be read
  std::string masked;  ///< path of the file of that name in a later directory, which counts instead
};

/// Where podman looks for hooks.
struct HooksDirs {
  struct Broken {
    std::string file;
    std::string error;
  };
  std::string file;                      ///< and line: what of containers.conf(5) says so; empty: podman by itself
  std::vector<Place> directories;        ///< the later ones count more
  std::vector<std::string> passed_over;  ///< files that call xc-hook, where podman would look if nothing said otherwise
  std::vector<Broken> broken;            ///< configuration that cannot be understood
};

/// A line "key = value" of LXC's configuration, with what it includes.
struct LxcLine {
  std::string file;
  unsigned line = 0;
  std::string key;
  std::string value;
};

/// A document of /etc/xconnect.
struct Document {
  std::string path;
  std::string error;                    ///< empty: it is good
  bool ignored = false;                 ///< its name does not end in .json
  std::vector<std::string> warnings{};  ///< what in it has no effect, with place and remedy
};

/// A socket or node that somebody offers.
struct Endpoint {
  std::string provider;  ///< empty: the host
  std::string service;
  std::string type;
  Place place;
};
template <class A>
void fields(A& a, Endpoint& e) {
  a("provider", e.provider);
  a("service", e.service);
  a("type", e.type);
  a("place", e.place);
}

/// A device node that a container was given.
struct DeviceFact {
  std::string service;
  std::string role;
  std::string target;
  std::string rule;              ///< "c 10:229 rw"
  std::string list;              ///< directory of the group of version 1 that lacks it; empty: none does
  std::optional<bool> allowed;   ///< absent: a program decides it that is not understood
  std::string above;             ///< why a group above forbids it
  std::string unseen;            ///< why its group cannot be looked at
  std::optional<bool> in_place;  ///< the planted node lies at its target; absent: that cannot be told
};
template <class A>
void fields(A& a, DeviceFact& d) {
  a("service", d.service);
  a("role", d.role);
  a("target", d.target);
  a("rule", d.rule);
  a("list", d.list);
  a("allowed", d.allowed);
  a("above", d.above);
  a("unseen", d.unseen);
  a("in-place", d.in_place);
}

/// One link as its shim tells it.
struct LinkFact {
  std::string service;
  std::string target;
  std::string state;
  std::string provider;
  std::string reason;
  std::uint64_t restarts = 0;
  std::uint64_t refused = 0;  ///< messages and connections
  std::vector<model::Attempt> passed_over;
  std::vector<std::string> endings;  ///< why connections were ended lately
  bool device = false;               ///< a node: nobody connects to it; what was restarted is its rule
};

/// A container of the state directory.
struct ContainerFact {
  std::string name;
  std::int64_t pid = 0;
  bool alive = false;
  std::string shim;  ///< "serving", "none", or why it does not answer
  std::string unreadable;
  std::vector<LinkFact> links;
  std::vector<DeviceFact> devices{};
  std::vector<Endpoint> offers;
  std::string unseen;  ///< why what it offers could not be looked at
};

struct State {
  Place place;
  bool volatile_memory = true;  ///< it lies on tmpfs
  std::string error;            ///< why it cannot be opened, other than that it is not there
};

/// The files of one container, running or not.
struct Bundle {
  std::string name;
  std::string directory;
  bool oci = false;   ///< it has a config.json
  bool lxc = false;   ///< it has an LXC configuration
  std::string error;  ///< of config.json
  std::vector<model::HookCall> hooks;
  std::vector<LxcLine> lines;
  bool asks = false;    ///< there is something to do for a hook: run.json, services.json, annotations
  std::string refusal;  ///< why a hook would refuse
  std::vector<std::string> warnings;
  std::vector<std::string> unoffered;  ///< services that nobody offers now
};

struct Facts {
  std::string root;  ///< before every path; empty: the running host
  Kernel kernel;
  Cgroups cgroups;
  std::vector<Engine> engines;
  Place hook;
  Place shim;
  std::map<std::string, Place> programs;  ///< every program that a hook entry names
  HooksDirs hooks_dirs;
  std::vector<HooksD> hooks_d;
  std::vector<LxcLine> lxc;  ///< of LXC's common configuration
  std::vector<Document> documents;
  std::vector<Endpoint> endpoints;
  std::vector<std::string> offered;  ///< services of the host's own documents
  State state;
  std::vector<ContainerFact> containers;
  std::optional<Bundle> bundle;
  std::string asked;  ///< the container the person asked for; empty: the whole host
};

}  // namespace xc::advice
