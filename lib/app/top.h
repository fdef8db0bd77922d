// `xc-inject top`: what each link and each container does and costs, from one look to the next. Runs in xc-inject.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "app/seen.h"
#include "app/usage.h"
#include "base/result.h"

namespace xc::app {

enum class Order : std::uint8_t { name, messages, bytes, processor, memory, count_ };
[[nodiscard]] std::string_view name_of(Order order);

/// A link between two looks, or a container: then `service` is empty, and the figures are sums with its monitor's.
struct TopRow {
  std::string container;
  std::string service;
  std::string type;
  std::string role;
  std::uint64_t active = 0;       ///< connections now
  std::uint64_t connections = 0;  ///< new ones a second, as all of these
  std::uint64_t messages = 0;
  std::uint64_t refusals = 0;
  std::uint64_t to_server = 0;  ///< bytes
  std::uint64_t to_client = 0;  ///< bytes
  std::uint64_t descriptors = 0;
  std::uint64_t p50 = 0;        ///< microseconds an answer took; 0: there was none, or it is not known
  std::uint64_t p99 = 0;        ///< the same
  std::uint64_t processor = 0;  ///< tenths of a percent of one processor
  std::uint64_t pss = 0;        ///< bytes
};
template <class A>
void fields(A& a, TopRow& r) {
  a("container", r.container);
  a("service", r.service);
  a("type", r.type);
  a("role", r.role);
  a("active", r.active);
  a("connections", r.connections);
  a("messages", r.messages);
  a("refusals", r.refusals);
  a("to-server", r.to_server);
  a("to-client", r.to_client);
  a("descriptors", r.descriptors);
  a("p50", r.p50);
  a("p99", r.p99);
  a("processor-permille", r.processor);
  a("pss", r.pss);
}

/// Everything at one moment.
struct Look {
  std::chrono::steady_clock::time_point time;
  std::vector<Seen> seen;
  std::map<std::int64_t, Usage> usage;  ///< by pid
};
[[nodiscard]] Result<Look> look(const std::string& state, const std::string& container);

/// What happened from one look to a later one, containers in order, each followed by its links. What was not there
/// before is counted from nothing.
[[nodiscard]] std::vector<TopRow> compare(const Look& before, const Look& after, Order order);

/// In lines of at most `width` columns, as far as that can be had.
[[nodiscard]] std::string table_of(const std::vector<TopRow>& rows, std::size_t width);

}  // namespace xc::app
