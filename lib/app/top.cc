#include "app/top.h"

#include <algorithm>
#include <tuple>

#include "base/table.h"
#include "base/text.h"

namespace xc::app {
namespace {

using Figure = std::uint64_t shim::PostStatus::*;

/// The same link at the earlier look; one without figures when it was not there.
shim::PostStatus earlier(const Look& look, const Seen& container, const shim::PostStatus& link) {
  for (const Seen& one : look.seen) {
    if (one.container != container.container || one.pid != container.pid) continue;
    for (const auto& other : one.links)
      if (other.service == link.service && other.target == link.target) return other;
  }
  return {};
}

class Comparison {
 public:
  Comparison(const Look& before, const Look& after)
      : before_(before), after_(after), milliseconds_(std::max<std::int64_t>(1, elapsed())) {}

  [[nodiscard]] TopRow row_of(const Seen& container, const shim::PostStatus& link) const {
    const shim::PostStatus was = earlier(before_, container, link);
    const auto rate = [&](Figure figure) { return a_second(was.*figure, link.*figure); };
    TopRow row{container.container, link.service, link.type, link.role, link.active};
    row.connections = rate(&shim::PostStatus::connections);
    row.messages = rate(&shim::PostStatus::messages);
    row.refusals = rate(&shim::PostStatus::refusals);
    row.to_server = rate(&shim::PostStatus::to_server);
    row.to_client = rate(&shim::PostStatus::to_client);
    row.descriptors = rate(&shim::PostStatus::descriptors);
    auto answers = link.latency;
    for (const auto& [time, count] : was.latency) answers[time] -= std::min(answers[time], count);
    row.p50 = percentile(answers, 50);
    row.p99 = percentile(answers, 99);
    add_cost(row, link.worker);
    return row;
  }

  void add_cost(TopRow& row, std::int64_t pid) const {
    const auto now = after_.usage.find(pid);
    if (now == after_.usage.end()) return;
    const auto was = before_.usage.find(pid);
    const std::uint64_t used = now->second.microseconds - (was == before_.usage.end() ? 0 : was->second.microseconds);
    row.processor += used / static_cast<std::uint64_t>(milliseconds_);
    row.pss += now->second.pss;
  }

 private:
  [[nodiscard]] std::int64_t elapsed() const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(after_.time - before_.time).count();
  }
  [[nodiscard]] std::uint64_t a_second(std::uint64_t was, std::uint64_t is) const {
    return is > was ? (is - was) * 1000 / static_cast<std::uint64_t>(milliseconds_) : 0;
  }

  const Look& before_;
  const Look& after_;
  std::int64_t milliseconds_;
};

std::uint64_t weight(const TopRow& row, Order order) {
  switch (order) {
    case Order::messages: return row.messages + row.connections;
    case Order::bytes: return row.to_server + row.to_client;
    case Order::processor: return row.processor;
    case Order::memory: return row.pss;
    case Order::name:
    case Order::count_: break;
  }
  return 0;
}

void add(TopRow& sum, const TopRow& row) {
  sum.active += row.active;
  sum.connections += row.connections;
  sum.messages += row.messages;
  sum.refusals += row.refusals;
  sum.to_server += row.to_server;
  sum.to_client += row.to_client;
  sum.descriptors += row.descriptors;
  sum.processor += row.processor;
  sum.pss += row.pss;
}

std::string per_cent(std::uint64_t tenths) {
  return text::number(tenths / 10) + "." + text::number(tenths % 10);
}

}  // namespace

std::string_view name_of(Order order) {
  switch (order) {
    case Order::name: return "name";
    case Order::messages: return "messages";
    case Order::bytes: return "bytes";
    case Order::processor: return "processor";
    case Order::memory: return "memory";
    case Order::count_: break;
  }
  return "name";
}

Result<Look> look(const std::string& state, const std::string& container) {
  Look all{std::chrono::steady_clock::now(), XC_TRY(see(state, container)), {}};
  for (const Seen& one : all.seen) {
    if (one.monitor != 0) all.usage[one.monitor] = usage_of(one.monitor);
    for (const auto& link : one.links)
      if (link.worker != 0) all.usage[link.worker] = usage_of(link.worker);
  }
  return all;
}

std::vector<TopRow> compare(const Look& before, const Look& after, Order order) {
  const Comparison comparison(before, after);
  std::vector<std::vector<TopRow>> groups;
  const auto heavier = [order](const TopRow& a, const TopRow& b) {
    const auto weight_of_a = weight(a, order);
    const auto weight_of_b = weight(b, order);
    if (weight_of_a != weight_of_b) return weight_of_a > weight_of_b;
    return std::tie(a.container, a.service) < std::tie(b.container, b.service);
  };
  for (const Seen& one : after.seen) {
    std::vector<TopRow> links;
    TopRow sum;
    sum.container = one.container;
    comparison.add_cost(sum, one.monitor);
    for (const auto& link : one.links) {
      links.push_back(comparison.row_of(one, link));
      add(sum, links.back());
    }
    std::ranges::sort(links, heavier);
    links.insert(links.begin(), sum);
    groups.push_back(std::move(links));
  }
  std::ranges::sort(groups, [&](const auto& a, const auto& b) { return heavier(a.front(), b.front()); });
  std::vector<TopRow> rows;
  for (auto& group : groups) std::ranges::move(group, std::back_inserter(rows));
  return rows;
}

std::string table_of(const std::vector<TopRow>& rows, std::size_t width) {
  enum : std::size_t { role = 2, active = 3, connections = 4, refused = 6, descriptors = 9, median = 10 };
  std::vector<text::Row> table{{"CONTAINER", "SERVICE", "ROLE", "ACTIVE", "CONN/s", "MSG/s", "REFUSED/s", "TO/s",
                                "FROM/s", "FD/s", "P50", "P99", "CPU%", "PSS"}};
  for (const TopRow& row : rows)
    table.push_back({row.service.empty() ? row.container : "", row.service, row.role, text::number(row.active),
                     text::number(row.connections), text::number(row.messages), text::number(row.refusals),
                     size_text(row.to_server), size_text(row.to_client), text::number(row.descriptors),
                     row.p50 == 0 ? "-" : duration_text(row.p50), row.p99 == 0 ? "-" : duration_text(row.p99),
                     per_cent(row.processor), size_text(row.pss)});
  return text::table_within(std::move(table), width, {descriptors, role, refused, active, median, connections});
}

}  // namespace xc::app
