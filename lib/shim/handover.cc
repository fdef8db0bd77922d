#include "shim/handover.h"

#include <poll.h>

#include <array>
#include <cerrno>
#include <span>

#include "sys/unix_message.h"

namespace xc::shim {
namespace {

// No values of Upstream.
constexpr char observer_code = 'o';
constexpr char curious_observer_code = 'O';
constexpr char last_code = 'l';

}  // namespace

Result<bool> send_handover(int control, const Handover& handover) {
  const char code = static_cast<char>(handover.upstream);
  const std::array<int, 2> numbers{handover.client.get(), handover.server.get()};
  const auto sent = sys::send_message(control, {&code, 1}, std::span(numbers).first(handover.server ? 2 : 1));
  if (!sent && sent.error().code == ETOOMANYREFS) return false;
  if (!sent) return std::unexpected(in_context("handing a connection to the worker", sent.error()));
  return sent->has_value();
}

Result<bool> send_observer(int control, int socket, bool payload) {
  const std::array<int, 1> numbers{socket};
  const auto sent = sys::send_message(control, {payload ? &curious_observer_code : &observer_code, 1}, numbers);
  if (!sent) return std::unexpected(in_context("handing an observer to the worker", sent.error()));
  return sent->has_value();
}

Result<bool> send_last(int control) {
  const auto sent = sys::send_message(control, {&last_code, 1}, {});
  if (!sent) return std::unexpected(in_context("telling a worker that it is relieved", sent.error()));
  return sent->has_value();
}

bool has_message(int queue) {
  pollfd waiting{queue, POLLIN, 0};
  return ::poll(&waiting, 1, 0) > 0 && (waiting.revents & POLLIN) != 0;
}

Result<std::optional<Handover>> receive_handover(int control) {
  std::array<char, 1> code{};
  auto received = sys::receive_message(control, code, 2);
  Handover handover;
  // Out of descriptors: the pair is lost, which for the client is a closed connection.
  if (!received && received.error().kind == Kind::policy) return std::optional<Handover>(std::move(handover));
  if (!received) return std::unexpected(in_context("taking a connection from the monitor", received.error()));
  if (!*received) return std::optional<Handover>(std::move(handover));
  if ((*received)->size == 0) return std::optional<Handover>{};
  auto& descriptors = (*received)->descriptors;
  handover.last = code[0] == last_code;
  if (handover.last) return std::optional<Handover>(std::move(handover));
  if (code[0] == observer_code || code[0] == curious_observer_code) {
    handover.payload = code[0] == curious_observer_code;
    if (!descriptors.empty()) handover.observer = std::move(descriptors[0]);
    return std::optional<Handover>(std::move(handover));
  }
  handover.upstream = static_cast<mediate::Upstream>(code[0]);
  if (!descriptors.empty()) handover.client = std::move(descriptors[0]);
  if (descriptors.size() > 1) handover.server = std::move(descriptors[1]);
  return std::optional<Handover>(std::move(handover));
}

}  // namespace xc::shim
