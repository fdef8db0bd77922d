// What is said to a compositor to get a listening socket for one link (wp_security_context_v1: whoever comes through it
// is sandboxed in the compositor's eyes), and what it answers. Pure; runs in the herald (shim/herald), which holds no
// client. Must never take silence for consent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace xc::mediate::wl {

/// Who comes, as the compositor shall know it. Each is cut to 256 bytes.
struct ContextNames {
  std::string engine;
  std::string app_id;
  std::string instance_id;
};

/// Our side of one connection; what it says is what goes out, in that order.
class ContextTalk {
 public:
  /// Asks which globals there are.
  [[nodiscard]] std::string look();
  /// Whether the compositor offers contexts, once look() is answered.
  [[nodiscard]] bool offered() const { return manager_.has_value(); }
  /// Asks for a context; after look(), when one is offered. With the first byte go two descriptors: a listening socket,
  /// and one whose hang-up tells the compositor to accept no more there.
  [[nodiscard]] std::string ask(const ContextNames& names);
  /// Asks for an answer, and nothing else.
  [[nodiscard]] std::string greet();

  /// Bytes of the compositor. True once what was said last is answered. An error: it refused, or does not keep to the
  /// protocol.
  [[nodiscard]] Result<bool> hear(std::string_view bytes);

 private:
  [[nodiscard]] Result<> hear_event(std::uint32_t object, std::uint16_t opcode, std::string_view body);

  std::string rest_;  ///< of a message that is not here as a whole
  std::uint32_t next_id_ = 2;
  std::uint32_t registry_ = 0;
  std::uint32_t callback_ = 0;  ///< of what was said last
  bool answered_ = false;
  std::optional<std::uint32_t> manager_;  ///< name of that global
};

}  // namespace xc::mediate::wl
