// LXC's configuration as lines (lxc.container.conf(5)). A splitter and no more: it decides nothing, allocates what it
// is given, and so runs where it is called.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace xc::parse {

struct LxcSetting {
  unsigned line = 0;
  std::string key;
  std::string value;
};

/// Every "key = value" of `text`, in order; remarks and lines without '=' are left out.
[[nodiscard]] std::vector<LxcSetting> split_lxc_config(std::string_view text);

}  // namespace xc::parse
