#include "app/seen.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "app/ask.h"
#include "base/table.h"
#include "base/text.h"
#include "registry/records.h"

namespace xc::app {
namespace {

const std::string nobody = "no container is served\n";

Seen look_at(const registry::StateDir& state, const std::string& key, const registry::Record& record) {
  Seen seen;
  seen.container = record.container.name;
  seen.pid = record.init.pid;
  seen.alive = registry::is_alive(record.init).value_or(false);
  for (const auto& offer : record.offers) seen.offers.push_back(offer.name);
  auto status = ask_status(state, key);
  seen.shim = status ? "serving" : record.links.empty() ? "none" : status.error().text;
  if (!status) return seen;
  seen.links = std::move(status->links);
  seen.monitor = status->monitor;
  seen.observers = status->observers;
  return seen;
}

Seen unreadable(const std::string& name, const std::string& key, const Error& why) {
  Seen seen;
  seen.container = text::printable(name);
  seen.pid = static_cast<std::int64_t>(text::parse_number(key.substr(name.size() + 1)).value_or(0));
  seen.shim = "unreadable: " + why.text;
  return seen;
}

std::string tenths(std::uint64_t value) {
  return text::number(value / 10) + "." + text::number(value % 10);
}

std::string counted(std::uint64_t count, std::string_view what) {
  return text::number(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

void add_figures(std::vector<text::Row>& rows, const shim::PostStatus& link) {
  rows.push_back({"served", counted(link.connections, "connection") + " (" + text::number(link.active) + " active), " +
                                counted(link.messages, "message") + ", " + size_text(link.to_server) + " to and " +
                                size_text(link.to_client) + " from the provider, " +
                                counted(link.descriptors, "descriptor")});
  if (!link.latency.empty())
    rows.push_back({"answers", "p50 " + duration_text(percentile(link.latency, 50)) + ", p99 " +
                                   duration_text(percentile(link.latency, 99))});
  rows.push_back({"worker", (link.worker == 0 ? "none runs" : "process " + text::number(link.worker)) + ", " +
                                counted(link.restarts, "restart")});
  for (const auto& [limit, count] : link.limits) rows.push_back({"limit hit", limit + ", " + counted(count, "time")});
  rows.push_back({"refused", text::number(link.refusals)});
  for (auto reason = link.last_reasons.rbegin(); reason != link.last_reasons.rend(); ++reason)
    rows.push_back({reason == link.last_reasons.rbegin() ? "last" : "", *reason});
}

std::string account_of_link(const shim::PostStatus& link) {
  std::vector<text::Row> rows{{"place", link.target}};
  for (const auto& one : link.passed_over) rows.push_back({"not at", one.place + ": " + one.reason});
  rows.push_back({"provider", link.provider.empty() ? "nobody yet" : link.provider});
  if (!link.reason.empty()) rows.push_back({link.state == "open" ? "trouble" : "closed", link.reason});
  add_figures(rows, link);
  return "  " + link.service + "  (" + link.type + ", role " + link.role + ", " + link.state + ")\n" +
         text::table(rows, 4);
}

}  // namespace

Result<std::vector<Seen>> see(const std::string& path, const std::string& container) {
  std::vector<Seen> all;
  const auto state = registry::StateDir::find(path);
  if (!state && state.error().code == ENOENT && container.empty()) return all;
  if (!state) return std::unexpected(state.error());
  for (const auto& key : XC_TRY(registry::keys(*state))) {
    const auto dot = key.rfind('.');
    const std::string name = key.substr(0, dot);
    if (!container.empty() && name != container && key.substr(dot + 1) != container) continue;
    const auto record = registry::read(*state, key);
    if (!record)
      all.push_back(unreadable(name, key, record.error()));
    else if (*record)  // else a hook is making or removing it at this moment
      all.push_back(look_at(*state, key, **record));
  }
  if (!container.empty() && all.empty()) return fail(Kind::usage, container + ": no such container is served");
  std::ranges::sort(all, {}, &Seen::container);
  return all;
}

std::string table_of(const std::vector<Seen>& seen, std::size_t width) {
  if (seen.empty()) return nobody;
  enum : std::size_t { pid = 1, type = 3, role = 4, provider = 7, active = 8 };
  std::vector<text::Row> rows{
      {"CONTAINER", "PID", "SERVICE", "TYPE", "ROLE", "TARGET", "STATE", "PROVIDER", "ACTIVE", "SERVED", "REFUSED"}};
  for (const auto& one : seen) {
    for (const auto& offer : one.offers)
      rows.push_back(
          {one.container, text::number(one.pid), offer, "", "", "", one.alive ? "offered" : "gone", "", "", "", ""});
    if (!one.offers.empty() && one.links.empty() && one.shim == "none") continue;
    if (one.links.empty())
      rows.push_back({one.container, text::number(one.pid), "", "", "", "", one.shim, "", "", "", ""});
    for (const auto& link : one.links)
      rows.push_back({one.container, text::number(one.pid), link.service, link.type, link.role, link.target, link.state,
                      link.provider.empty() ? "-" : link.provider, text::number(link.active),
                      text::number(link.connections), text::number(link.refusals)});
  }
  return text::table_within(std::move(rows), width, {type, role, pid, active, provider});
}

std::string account_of(const std::vector<Seen>& seen, std::size_t /*width*/) {
  if (seen.empty()) return nobody;
  std::string text;
  for (const auto& one : seen) {
    text += (text.empty() ? "" : "\n") + one.container + "  pid " + text::number(one.pid) +
            (one.alive ? "" : " (gone)") + ", shim " + one.shim;
    if (one.monitor != 0) text += " as process " + text::number(one.monitor);
    if (one.observers > 0) text += ", " + counted(one.observers, "observer");
    text += "\n";
    if (!one.offers.empty()) text += "  offers " + text::join(one.offers, ", ") + "\n";
    for (const auto& link : one.links) text += account_of_link(link);
  }
  return text;
}

std::uint64_t percentile(const std::map<std::string, std::uint64_t>& latency, std::uint64_t share) {
  std::map<std::uint64_t, std::uint64_t> sorted;
  std::uint64_t all = 0;
  for (const auto& [time, count] : latency) {
    sorted[text::parse_number(time).value_or(0)] += count;
    all += count;
  }
  if (all == 0) return 0;
  std::uint64_t below = 0;
  for (const auto& [time, count] : sorted) {
    below += count;
    if (below * 100 >= all * share) return time;
  }
  return 0;
}

std::string duration_text(std::uint64_t microseconds) {
  if (microseconds < 1000) return text::number(microseconds) + " us";
  if (microseconds < 1'000'000) return tenths(microseconds / 100) + " ms";
  return tenths(microseconds / 100'000) + " s";
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  std::uint64_t scaled = bytes * 10;
  for (; scaled >= 10240 && unit + 1 < units.size(); ++unit) scaled /= 1024;
  return (unit == 0 ? text::number(bytes) : tenths(scaled)) + " " + std::string(units[unit]);
}

}  // namespace xc::app
