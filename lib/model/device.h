// Device nodes: what the host says of one, and what a container is granted. Structs only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace xc::model {

/// What a node is, by the kernel's word for it.
enum class DeviceKind : std::uint8_t { card, render, input, other, count_ };
[[nodiscard]] std::string_view name_of(DeviceKind kind);

/// Whose a node is in the container, and who may open it ("device" of a role).
struct DeviceRules {
  std::uint32_t uid = 0;                     ///< as the container numbers its users
  std::uint32_t gid = 0;                     ///< the same
  std::uint32_t mode = 0660;                 ///< read and write bits alone
  std::optional<std::uint32_t> directory{};  ///< mode of directories that are made for it; absent = 0755
};
template <class A>
void fields(A& a, DeviceRules& r) {
  a("uid", r.uid);
  a("gid", r.gid);
  a("mode", r.mode);
  a("directory", r.directory);
}

/// A character device as the kernel knows it (sysfs).
struct NodeName {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  std::string name;  ///< DEVNAME of its uevent: "dri/card0"
};
template <class A>
void fields(A& a, NodeName& n) {
  a("major", n.major);
  a("minor", n.minor);
  a("name", n.name);
}

/// The node that an offer names, as the host found it; nothing is decided yet.
struct NodeFacts {
  std::string provider;  ///< container whose root was looked in; empty = the host
  std::string path;
  std::string problem;    ///< why it could not be looked at; then the rest is empty
  std::string file_type;  ///< "character device", "block device", "symbolic link", ...
  NodeName node;          ///< its number; the name is empty when the kernel has no device of that number
  std::string subsystem;  ///< "drm", "input", "misc"
  std::string driver;     ///< "virtio_gpu"; empty when sysfs names none
  std::string hardware;   ///< the device in sysfs that has the node: "/devices/pci0000:00/0000:00:02.0/virtio0"
  std::vector<NodeName> siblings;  ///< nodes of that subsystem on the same hardware, itself included
};
template <class A>
void fields(A& a, NodeFacts& f) {
  a("provider", f.provider);
  a("path", f.path);
  a("problem", f.problem);
  a("file-type", f.file_type);
  a("node", f.node);
  a("subsystem", f.subsystem);
  a("driver", f.driver);
  a("hardware", f.hardware);
  a("siblings", f.siblings);
}

/// The node a link grants; of a lease, the card that is leased from.
struct Device {
  DeviceKind kind = DeviceKind::other;
  NodeName node;
  std::string driver;
  std::string hardware;
  std::string pair;  ///< name of the other node of that GPU: of a card the render node, and the other way round
  DeviceRules rules;
  std::optional<std::string> connector{};  ///< a lease of that connector, or with an empty name of any
  bool lent = false;  ///< the host's own node is shown, as it is: an ordinary user can make none, and no rule for it
};
template <class A>
void fields(A& a, Device& d) {
  a("kind", d.kind);
  a("node", d.node);
  a("driver", d.driver);
  a("hardware", d.hardware);
  a("pair", d.pair);
  a("rules", d.rules);
  a("connector", d.connector);
  a("lent", d.lent);
}

}  // namespace xc::model
