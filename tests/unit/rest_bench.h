// A REST mediator between two peers made of strings, and conversations as tables. Every conversation is held three
// times: in whole pieces, a byte at a time, and with peers that read a byte at a time.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mediate/mediator.h"
#include "mediate/rest_limits.h"

namespace xc::mediate {

class RestBench {
 public:
  explicit RestBench(model::RoleRules rules = {}, Upstream upstream = Upstream::connected, Observer* observer = nullptr)
      : rights_{{{{std::move(rules)}}}},
        mediator_(make_rest({model::Type::rest, client_, role_, service_, rights_, upstream, tally, observer})) {
    if (upstream != Upstream::connected) from_server.end();  // as the session does without a socket
  }

  /// Lets the mediator work and the peers read until nothing moves.
  void pump() {
    for (;;) {
      const auto done = mediator_->advance(wire());
      if (!done) error = done.error().text;
      if (!read(to_server, server_heard) && !read(to_client, client_heard)) break;
    }
  }
  void client_says(std::string_view bytes) { say(from_client, bytes); }
  void server_says(std::string_view bytes) { say(from_server, bytes); }
  void client_ends() {
    from_client.end();
    pump();
  }
  void server_ends() {
    from_server.end();
    pump();
  }
  void expire() {
    const auto done = mediator_->expire(wire());
    if (!done) error = done.error().text;
    pump();
  }
  [[nodiscard]] std::optional<std::chrono::milliseconds> patience() const { return mediator_->patience(); }
  [[nodiscard]] bool transparent() const { return mediator_->transparent(); }
  /// What was heard since the last question.
  std::string server_hears() { return std::exchange(server_heard, {}); }
  std::string client_hears() { return std::exchange(client_heard, {}); }
  [[nodiscard]] bool over() const { return to_server.finished() && to_client.finished(); }

  Stream from_client, to_server, from_server, to_client;
  std::string server_heard, client_heard, error;
  std::size_t piece = static_cast<std::size_t>(-1);  ///< bytes a peer says or reads at once
  std::size_t sip = static_cast<std::size_t>(-1);
  Tally tally;

 private:
  Wire wire() { return {from_client, to_server, from_server, to_client}; }
  bool read(Stream& stream, std::string& heard) const {
    const std::string_view bytes = stream.data().substr(0, sip);
    heard += bytes;
    const bool any = !bytes.empty();
    stream.consume(bytes.size());
    return any;
  }
  void say(Stream& stream, std::string_view bytes) {
    if (bytes.empty()) pump();
    while (!bytes.empty()) {
      const std::size_t count = std::min({piece, bytes.size(), stream.room()});
      stream.append(bytes.substr(0, count));
      bytes.remove_prefix(count);
      pump();
      if (count == 0) break;  // the mediator takes no more
    }
  }

  std::string client_ = "web", role_ = "admin", service_ = "api";
  model::Rights rights_;
  std::unique_ptr<Mediator> mediator_;
};

/// One line of a conversation.
struct Line {
  enum What { client, server, at_server, at_client, client_ends, server_ends, server_told, ended, alive, expire } what;
  std::string text = {};
};

inline void hold(RestBench& bench, const std::vector<Line>& lines) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const Line& line = lines[i];
    SCOPED_TRACE("line " + std::to_string(i));
    switch (line.what) {
      case Line::client: bench.client_says(line.text); break;
      case Line::server: bench.server_says(line.text); break;
      case Line::at_server: EXPECT_EQ(bench.server_hears(), line.text); break;
      case Line::at_client: EXPECT_EQ(bench.client_hears(), line.text); break;
      case Line::client_ends: bench.client_ends(); break;
      case Line::server_ends: bench.server_ends(); break;
      case Line::expire: bench.expire(); break;
      case Line::server_told: EXPECT_TRUE(bench.to_server.ended()); break;
      case Line::ended: EXPECT_TRUE(bench.over()); break;
      case Line::alive: EXPECT_FALSE(bench.over()); break;
    }
  }
  EXPECT_EQ(bench.error, "");
}

/// Holds the conversation in the three ways; `make` gives a fresh bench each time.
inline void converse(const std::function<std::unique_ptr<RestBench>()>& make, const std::vector<Line>& lines) {
  for (const auto& [piece, sip, name] :
       {std::tuple{SIZE_MAX, SIZE_MAX, "whole"}, std::tuple{std::size_t{1}, SIZE_MAX, "a byte at a time"},
        std::tuple{SIZE_MAX, std::size_t{1}, "read a byte at a time"}}) {
    SCOPED_TRACE(name);
    const auto bench = make();
    bench->piece = piece;
    bench->sip = sip;
    hold(*bench, lines);
  }
}

inline void converse(const std::vector<Line>& lines, const model::RoleRules& rules = {},
                     Upstream upstream = Upstream::connected) {
  converse([&] { return std::make_unique<RestBench>(rules, upstream); }, lines);
}

/// The lines our own answers consist of.
inline std::string answer_text(std::string_view status_line, std::string_view json, bool close = true,
                               std::string_view extra = {}) {
  return "HTTP/1.1 " + std::string(status_line) +
         "\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nContent-Length: " +
         std::to_string(json.size()) + "\r\n" + std::string(extra) + (close ? "Connection: close\r\n" : "") + "\r\n" +
         std::string(json);
}

/// An answer without a rule.
inline std::string refused(std::string_view status_line, std::string_view error, bool close = true) {
  return answer_text(status_line, "{\"error\":\"" + std::string(error) + "\",\"service\":\"api\",\"role\":\"admin\"}\n",
                     close);
}

inline const std::string identity = "X-PV-Client: web\r\nX-PV-Role: admin\r\n";

}  // namespace xc::mediate
