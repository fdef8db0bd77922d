#include "parse/proxy_words.h"

#include <array>
#include <string_view>

#include "base/text.h"
#include "parse/bus_address.h"
#include "parse/field.h"

namespace xc::parse {
namespace {

std::unexpected<Error> refuse(std::string_view word, std::string_view why) {
  return fail(Kind::usage, text::quoted(word) + ": " + std::string(why));
}

/// What stands behind `option`, a word such as "--see=".
bool take(std::string_view word, std::string_view option, std::string_view& value) {
  if (!word.starts_with(option)) return false;
  value = word.substr(option.size());
  return true;
}

Result<int> read_descriptor(std::string_view word, std::string_view value) {
  const auto number = text::parse_number(value);
  if (!number || *number > 0xfffff) return refuse(word, "expected the number of a descriptor");
  return static_cast<int>(*number);
}

/// Options that belong to no group. False when `word` is none of them.
Result<bool> read_general(std::string_view word, ProxyCommand& command) {
  std::string_view value;
  if (word == "--help") return command.help = true;
  if (word == "--version") return command.version = true;
  if (!take(word, "--fd=", value)) return false;
  command.ready_fd = XC_TRY(read_descriptor(word, value));
  return true;
}

Result<bool> read_rule(std::string_view word, model::DbusRules& rules) {
  struct Option {
    std::string_view name;
    const Word& kind;
    std::vector<std::string>& list;
  };
  const std::array<Option, 5> options{{{"--see=", word::bus_pattern, rules.see},
                                       {"--talk=", word::bus_pattern, rules.talk},
                                       {"--own=", word::bus_pattern, rules.own},
                                       {"--call=", word::bus_rule, rules.call},
                                       {"--broadcast=", word::bus_rule, rules.broadcast}}};
  std::string_view value;
  for (const Option& option : options) {
    if (!take(word, option.name, value)) continue;
    if (!option.kind.fits(value)) return refuse(word, "expected " + std::string(option.kind.looks));
    option.list.emplace_back(value);
    return true;
  }
  return false;
}

Result<bool> read_option(std::string_view word, ProxyGroup& group) {
  if (word == "--filter") return group.filter = true;
  if (word == "--log") return group.log = true;
  if (word == "--sloppy-names") return group.rules.unique_names = true;
  return read_rule(word, group.rules);
}

/// The address at `at` and the path behind it; `at` moves behind both.
Result<ProxyGroup> read_group(const std::vector<std::string>& words, std::size_t& at) {
  ProxyGroup group;
  const std::string& address = words[at++];
  if (address.starts_with('-')) return refuse(address, "not known here; a bus address is expected first");
  group.connect = XC_TRY(parse_bus_address(address));
  if (at == words.size() || words[at].starts_with('-'))
    return refuse(address, "no path follows for the socket to make");
  group.listen = words[at++];
  if (!word::plain.fits(group.listen)) return refuse(group.listen, "expected the path of the socket to make");
  group.rules.fds = model::most_descriptors;
  return group;
}

}  // namespace

Result<ProxyCommand> parse_proxy_words(const std::vector<std::string>& words) {
  ProxyCommand command;
  for (std::size_t at = 0; at < words.size();) {
    if (XC_TRY(read_general(words[at], command))) {
      ++at;
      continue;
    }
    const bool option = words[at].starts_with('-') && !command.groups.empty();
    if (!option) {
      command.groups.push_back(XC_TRY(read_group(words, at)));
      continue;
    }
    if (!XC_TRY(read_option(words[at], command.groups.back()))) return refuse(words[at], "not known");
    ++at;
  }
  if (command.groups.empty() && !command.help && !command.version)
    return fail(Kind::usage, "expected ADDRESS PATH; see --help");
  return command;
}

}  // namespace xc::parse
