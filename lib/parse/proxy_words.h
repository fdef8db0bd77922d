// The command line of xdg-dbus-proxy(1), so that whatever starts that program can start ours. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/service.h"

namespace xc::parse {

/// One ADDRESS PATH and the options behind it.
struct ProxyGroup {
  std::string connect;  ///< "/path" or "@name"
  std::string listen;   ///< path of the socket to make
  bool filter = false;  ///< without it everything passes
  bool log = false;
  model::DbusRules rules{};
};

struct ProxyCommand {
  std::vector<ProxyGroup> groups;
  int ready_fd = -1;  ///< --fd
  bool help = false;
  bool version = false;
};

/// `words` without the program's name; --args must have been replaced by what it stands for. Kind::usage names the word
/// that is wrong.
[[nodiscard]] Result<ProxyCommand> parse_proxy_words(const std::vector<std::string>& words);

}  // namespace xc::parse
