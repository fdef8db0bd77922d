// One Wayland connection as the mediator understands it: objects, globals shown, rights; and the judgement of every
// message. Pure; runs in the worker.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/result.h"
#include "mediate/wl_objects.h"
#include "mediate/wl_policy.h"
#include "mediate/wl_wire.h"

namespace xc::mediate::wl {

/// Errors of wl_display (enum error in the core protocol).
enum class Fault : std::uint32_t { invalid_object = 0, invalid_method = 1, no_memory = 2, implementation = 3 };

/// Of wl_shm (enum error there): the descriptor of a pool is no good.
inline constexpr auto invalid_fd = static_cast<Fault>(2);

/// What is done with a message, and with the descriptors that are its own.
struct Verdict {
  enum class Act : std::uint8_t { pass, replace, drop, deny };
  Act act = Act::pass;
  std::size_t descriptors = 0;  ///< how many it claims
  std::uint32_t memory = 0;     ///< not 0: the first of them must be memory of at least so many bytes
  std::string bytes{};          ///< replace: what goes instead
  std::string after{};          ///< pass: a message of ours behind it
  std::uint32_t object = 0;     ///< deny: the object the error is about
  Fault fault = Fault::invalid_object;
  std::string text{};  ///< deny: as the compositor would say it
};

/// A global as the client was shown it.
struct Global {
  InterfaceId interface;
  std::uint32_t version;
};

class Session {
 public:
  Session(const model::Rights& rights, std::string_view client) : policy_(rights, client) {}

  /// A message of the client's. `waiting` descriptors have arrived that no message has claimed.
  [[nodiscard]] Verdict judge_request(const Header& header, std::string_view body, std::size_t waiting);
  /// A message of the compositor's. An error: the compositor does not keep to the protocol.
  [[nodiscard]] Result<Verdict> judge_event(const Header& header, std::string_view body, std::size_t waiting);

  /// The object a header speaks to, for the trace; null when there is none.
  [[nodiscard]] const Object* object(std::uint32_t id) { return objects_.find(id); }

 private:
  [[nodiscard]] Verdict pass_request(const Header& header, const Object& target, const MessageSpec& spec,
                                     const Args& args);
  [[nodiscard]] bool knows_objects(const Args& args, bool alive);
  [[nodiscard]] Verdict bind(const Header& header, const Args& args);
  [[nodiscard]] Verdict rename(const Header& header, const MessageSpec& spec, const Args& args) const;
  void pin_names(Verdict& verdict, std::uint32_t id, InterfaceId interface, std::uint32_t version) const;
  [[nodiscard]] Result<> create_for_server(const Args& args, std::uint32_t version);
  [[nodiscard]] Result<Verdict> announce(const Header& header, const Args& args);

  Policy policy_;
  Objects objects_;
  Args args_;  ///< of the message at hand; here, because making room for all of them anew costs more than reading few
  std::map<std::uint32_t, Global> globals_;  ///< by name; kept when removed, as a late bind is no mistake
};

/// wl_display.error, as the compositor would send it.
[[nodiscard]] std::string write_error(std::uint32_t object, Fault fault, std::string_view text);

}  // namespace xc::mediate::wl
