// A stand-in for a container at the moment a hook sees it: an init in its own namespaces that waits, with a root file
// system bound on itself. No engine is needed for it. It ends with the object.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "sys/child.h"
#include "sys/namespaces.h"
#include "sys/owner.h"
#include "sys/planted_file.h"
#include "sys/process.h"
#include "sys/rooted_dir.h"

namespace xc::test {

struct BoxOptions {
  bool pivoted = false;         ///< its "/" is the root file system already
  bool user_namespace = false;  ///< uid and gid 0 of it are 100000 here
  bool pid_namespace = false;
  bool keeps_propagation = false;                             ///< what the host shares stays shared
  std::function<void(const std::string& root)> prepare = {};  ///< called in its namespaces before init waits
};

class Box {
 public:
  /// `root` is a directory; "run" and "dev" in it become tmpfs when they are real directories.
  Box(const std::string& root, const BoxOptions& options = {});
  ~Box();
  Box(const Box&) = delete;
  Box& operator=(const Box&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] const std::string& root() const { return root_; }
  /// Runs `work` in its mount namespace, as a planting child does.
  [[nodiscard]] Result<sys::Answer> inside(
      const std::function<Result<sys::Answer>(const sys::RootedDir&, const sys::Proc&, sys::Owner)>& work) const;

  /// The whole way of a hook: the host's file `source` at `target`.
  [[nodiscard]] Result<sys::Planted> plant(const std::string& target, int source,
                                           sys::Use use = sys::Use::socket) const;
  [[nodiscard]] Result<> undo(const sys::Planted& planted) const;
  /// What a program inside sees at `path`: "socket 0:0 600", or the error's text.
  [[nodiscard]] std::string look(const std::string& path) const;

 private:
  std::string root_;
  pid_t pid_ = -1;
};

/// The host's side: a state directory with a listening socket, a root file system, and a directory outside of it that
/// must stay empty.
struct Host {
  explicit Host(const std::string& place);
  std::string root;
  std::string outside;
  Fd state;
  Fd listener;
  Fd file;  ///< the socket's entry, O_PATH
};

/// The mounts that a process sees, as the kernel writes them.
[[nodiscard]] std::string mounts_of(pid_t pid);

/// Five seconds from now.
[[nodiscard]] sys::Deadline soon();

}  // namespace xc::test
