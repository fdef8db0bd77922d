// All requests between one client and one provider that both speak HTTP/2: every stream of the client is judged by
// itself and, if it may be, becomes one stream to the provider under the link's identity. Runs in the worker.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "mediate/h2_exchange.h"
#include "mediate/h2_head.h"
#include "mediate/h2_session.h"
#include "mediate/mediator.h"

namespace xc::mediate::h2 {

class Talk {
 public:
  explicit Talk(const Terms& terms);

  [[nodiscard]] Session& client() { return client_.session; }
  [[nodiscard]] Session& server() { return server_.session; }
  [[nodiscard]] bool connected() const { return terms_.upstream == Upstream::connected; }

  /// The provider's connection ended, or what it said was no HTTP/2.
  void provider_left(std::string_view why);
  /// Requests that wait for the provider are answered with 504.
  void give_up();
  /// A whole request waits for the first word of its response.
  [[nodiscard]] bool waits_for_provider() const;
  [[nodiscard]] bool idle() const { return exchanges_.empty(); }
  /// The client resets more than it lets be answered.
  [[nodiscard]] bool abused() const;
  /// No further request is taken on this connection.
  [[nodiscard]] bool closing() const { return closing_; }

 private:
  /// One of the two connections, and the block of fields that is arriving on it.
  struct Side final : Events {
    Side(Talk& owner, Session::Role role)
        : talk(owner), from_client(role == Session::Role::server), session(role, *this) {}
    void on_begin() override { block.clear(); }
    void on_field(std::string_view name, std::string_view value) override { block.add(name, value); }
    void on_block(Id id, bool ended) override;
    void on_data(Id id, std::string_view bytes) override { talk.move(*this, id, bytes); }
    void on_end(Id id) override { talk.end(*this, id); }
    void on_close(Id id, std::uint32_t code) override { talk.close(*this, id, code); }
    void on_goaway() override { talk.stop_taking(); }
    Pulled pull(Id id, std::span<char> room) override { return talk.pull(*this, id, room); }

    Talk& talk;
    bool from_client;
    Block block;
    Session session;
  };

  void take_request(Id id, bool ended);
  void take_response(Exchange& exchange, bool ended);
  void take_trailers(Side& side, Exchange& exchange, bool ended);
  void move(Side& side, Id id, std::string_view bytes);
  void end(Side& side, Id id);
  void close(Side& side, Id id, std::uint32_t code);
  Events::Pulled pull(Side& side, Id id, std::span<char> room);
  void stop_taking();

  void decide(Exchange& exchange, Block& block, bool ended);
  void answer(Exchange& exchange, unsigned status, std::string_view error, std::string_view rule = {});
  void give_back(Side& side, Id id, std::size_t count);
  void drop(const Exchange& exchange);
  [[nodiscard]] Exchange* find(const Side& side, Id id);

  Terms terms_;
  std::vector<std::unique_ptr<Exchange>> exchanges_;
  std::uint64_t resets_ = 0;
  std::uint64_t completed_ = 0;
  bool closing_ = false;
  Side client_;
  Side server_;
};

}  // namespace xc::mediate::h2
