// One end of an HTTP/2 connection (RFC 9113): frames, compression and flow control by libnghttp2, behind a few verbs.
// Runs in the worker; the only file besides its .cc that knows the library. Nothing here decides anything.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct nghttp2_session;

namespace xc::mediate::h2 {

using Id = std::int32_t;
using Lines = std::vector<std::pair<std::string, std::string>>;

/// Codes of RST_STREAM and GOAWAY (RFC 9113 section 7).
enum class Code : std::uint32_t { none = 0, protocol = 1, internal = 2, refused = 7, cancel = 8, calm = 11 };

/// What an end tells its owner, in the order of the wire. Streams are named by their number on this end.
class Events {
 public:
  Events() = default;
  Events(const Events&) = delete;
  Events& operator=(const Events&) = delete;
  virtual ~Events() = default;

  /// A block of fields begins. The one before may never have been complete: of one that is malformed the library tells
  /// what came first, and then no more.
  virtual void on_begin() = 0;
  virtual void on_field(std::string_view name, std::string_view value) = 0;
  /// The block that the last on_field() calls were of is complete: a head, or trailers. `ended`: nothing follows.
  virtual void on_block(Id id, bool ended) = 0;
  virtual void on_data(Id id, std::string_view bytes) = 0;
  virtual void on_end(Id id) = 0;
  virtual void on_close(Id id, std::uint32_t code) = 0;
  /// The peer takes no further streams.
  virtual void on_goaway() = 0;

  struct Pulled {
    std::size_t size = 0;
    bool ended = false;               ///< with these bytes the body is complete
    const Lines* trailers = nullptr;  ///< to follow it
  };
  /// Bytes of a body we send; none and not ended: resume() says when there are more.
  virtual Pulled pull(Id id, std::span<char> room) = 0;
};

class Session {
 public:
  enum class Role : std::uint8_t { server, client };
  /// Our settings go out with the first write. `events` outlives the session.
  Session(Role role, Events& events);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  /// Takes bytes of the peer. False when they are no HTTP/2 at all, or the connection is beyond repair.
  [[nodiscard]] bool receive(std::string_view bytes);
  /// Next bytes for the peer, valid until the next call; empty = none now.
  [[nodiscard]] std::string_view next_output();
  /// Nothing will be read or written any more.
  [[nodiscard]] bool over() const;

  /// Its number, or -1 when no more streams can be opened. `body`: pull() provides one.
  [[nodiscard]] Id submit_request(const Lines& head, bool body);
  /// Any head of a response; `interim`: another one follows.
  void submit_response(Id id, const Lines& head, bool body, bool interim = false);
  void reset(Id id, Code code);
  void resume(Id id);
  /// So many bytes of on_data() were disposed of: the peer may send as many more.
  void consume(Id id, std::size_t count);
  /// The same for a stream that is closed.
  void consume_connection(std::size_t count);
  /// Streams that run may finish, no new one is taken.
  void refuse_new();
  void terminate(Code code);

 private:
  struct Callbacks;
  Events& events_;
  nghttp2_session* session_ = nullptr;
};

}  // namespace xc::mediate::h2
