#include "app/dbus_proxy.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "app/mediate.h"
#include "base/fd.h"
#include "base/text.h"
#include "parse/proxy_words.h"

namespace xc::app {
namespace {

constexpr std::size_t most_bytes = 1024UL * 1024;  // of words behind one --args
constexpr std::string_view args_option = "--args=";

constexpr std::string_view help =
    "usage: xc-inject dbus-proxy [GENERAL...] ADDRESS PATH [OPTION...] [ADDRESS PATH [OPTION...]]...\n"
    "\n"
    "The command line of xdg-dbus-proxy(1): mediates between the bus at ADDRESS and clients of the socket PATH.\n"
    "\n"
    "  --fd=N            write a byte to descriptor N when clients may come; end when its other end is closed\n"
    "  --args=N          more words, each ended by a NUL byte, stand in descriptor N\n"
    "  --help, --version\n"
    "\n"
    "For the ADDRESS PATH before them:\n"
    "  --filter          let pass what the rules grant, and nothing else; without it everything passes\n"
    "  --see=NAME --talk=NAME --own=NAME\n"
    "                    a well-known name; NAME.* is that name and all below it\n"
    "  --call=NAME=RULE --broadcast=NAME=RULE\n"
    "                    RULE is [METHOD][@PATH]: interface.Member, interface.* or *; a path, or path/*\n"
    "  --sloppy-names    every connection may be seen\n"
    "  --log             tell every message of filtered connections on standard error, as JSON\n";

Result<std::string> read_all(int descriptor) {
  const Fd from{descriptor};
  std::string text;
  std::array<char, 4096> piece{};
  for (;;) {
    const ssize_t got = ::read(from.get(), piece.data(), piece.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(Kind::usage, "the descriptor of --args", errno);
    if (got == 0) return text;
    text.append(piece.data(), static_cast<std::size_t>(got));
    if (text.size() > most_bytes) return fail(Kind::usage, "the descriptor of --args: more than 1 MiB");
  }
}

/// Puts the words that stand in descriptors into their places.
Result<std::vector<std::string>> expand(const std::vector<std::string>& words) {
  std::vector<std::string> all;
  for (const std::string& word : words) {
    if (!word.starts_with(args_option)) {
      all.push_back(word);
      continue;
    }
    const auto number = text::parse_number(std::string_view(word).substr(args_option.size()));
    if (!number || *number > 0xfffff) return fail(Kind::usage, text::quoted(word) + ": expected a descriptor");
    std::string more = XC_TRY(read_all(static_cast<int>(*number)));
    if (more.ends_with('\0')) more.pop_back();
    if (more.empty()) continue;
    for (const std::string_view one : text::split(more, '\0')) all.emplace_back(one);
  }
  return all;
}

model::Link link_of(const parse::ProxyGroup& group) {
  model::Link link;
  link.service = "dbus";
  link.role = "any";
  link.target = group.listen;
  link.address = group.connect;
  link.limits.connections = 256;
  model::RoleRules rules;
  if (group.filter) {
    link.type = model::Type::dbus;
    rules.dbus = group.rules;
  } else {
    link.type = model::Type::raw_unix;
    rules.raw_unix = model::UnixRules{group.rules.fds};
  }
  link.grants = {{.provider = "*", .rules = std::move(rules)}};
  return link;
}

}  // namespace

Result<std::string> dbus_proxy(const std::vector<std::string>& words) {
  const auto all = XC_TRY(expand(words));
  const auto command = XC_TRY(parse::parse_proxy_words(all));
  if (command.help) return std::string(help);
  if (command.version) return std::string("xc-inject " XC_VERSION "\n");
  shim::Config config;
  config.consumer = "client";
  for (const parse::ProxyGroup& group : command.groups) config.links.push_back(link_of(group));
  const bool logs = std::ranges::any_of(command.groups, &parse::ProxyGroup::log);
  XC_CHECK(serve(config, {.ready_fd = command.ready_fd, .log = logs, .replace = true}));
  return std::string();
}

}  // namespace xc::app
