// A REST mediator between two peers made of strings, for the fuzz targets.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "mediate/mediator.h"

namespace xc::mediate {

/// Ends the run with a sentence: the fuzzer keeps the input.
inline void require(bool holds, std::string_view what) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %.*s\n", static_cast<int>(what.size()), what.data());
  std::abort();
}

class RestPair {
 public:
  using Maker = std::unique_ptr<Mediator> (*)(const Terms&);
  explicit RestPair(model::RoleRules rules, Maker make = make_rest)
      : rights_{{{{std::move(rules)}}}},
        mediator_(make({model::Type::rest, client_, role_, service_, rights_, Upstream::connected, tally_, nullptr})) {}

  /// Says `bytes` on one side, `piece` at a time (0 = whole), and lets everything come to rest.
  void say(Stream& from, std::string_view bytes, std::size_t piece) {
    if (piece == 0) piece = bytes.size();
    while (!bytes.empty()) {
      const std::size_t count = std::min({piece, bytes.size(), from.room()});
      from.append(bytes.substr(0, count));
      bytes.remove_prefix(count);
      rest();
      if (count == 0) return;
    }
  }
  void rest() {
    for (;;) {
      require(mediator_->advance({from_client, to_server, from_server, to_client}).has_value(), "advance() failed");
      constexpr std::size_t largest = Stream::default_capacity + 70'000;
      require(to_server.data().size() < largest && to_client.data().size() < largest, "memory is bounded");
      if (!read(to_server, server_heard) && !read(to_client, client_heard)) return;
    }
  }
  void end(Stream& from) {
    from.end();
    rest();
  }
  void expire() {
    (void)mediator_->expire({from_client, to_server, from_server, to_client});
    rest();
  }
  [[nodiscard]] bool over() const { return to_server.finished() && to_client.finished(); }

  Stream from_client, to_server, from_server, to_client;
  std::string server_heard, client_heard;

 private:
  static bool read(Stream& stream, std::string& heard) {
    heard += stream.data();
    const bool any = !stream.empty();
    stream.consume(stream.data().size());
    return any;
  }
  std::string client_ = "web", role_ = "admin", service_ = "api";
  model::Rights rights_;
  Tally tally_;
  std::unique_ptr<Mediator> mediator_;
};

}  // namespace xc::mediate
