// Wayland protocol files as structs, for the build-time program gen_wayland.
#pragma once

#include <map>
#include <string>
#include <vector>

struct Arg {
  std::string type;       ///< int, uint, fixed, object, new_id, string, array, fd
  std::string interface;  ///< of an object or new_id; empty = any
  bool nullable = false;
};

struct Message {
  std::string name;
  unsigned since = 1;
  bool destructor = false;
  std::vector<Arg> args;
};

struct Interface {
  unsigned version = 1;
  std::vector<Message> requests;
  std::vector<Message> events;
};

/// One protocol file.
struct File {
  std::string path;
  std::string error;  ///< why it could not be read: ":LINE: what"
  std::map<std::string, Interface> interfaces;
};

/// The interfaces of one XML text; `path` is for messages.
File read_protocol(const std::string& path, const std::string& text);
