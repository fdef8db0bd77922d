// The D-Bus handshake; see the header. Pure, runs in the worker.
#include "mediate/dbus_auth.h"

#include <algorithm>
#include <optional>

#include "base/escape.h"

namespace xc::mediate::dbus {
namespace {

/// More lines than any client needs; each costs an answer.
constexpr int max_lines = 32;

std::unexpected<Error> broken(std::string_view what) {
  return fail(Kind::policy, "D-Bus handshake: " + std::string(what));
}

/// The next line without its end, still in the stream; empty optional while it is not complete.
Result<std::optional<std::string_view>> next_line(const Stream& from) {
  const std::string_view data = from.data();
  const std::size_t end = data.substr(0, max_line).find('\n');
  if (end == std::string_view::npos) {
    if (data.size() >= max_line) return broken("a line of more than 16 KiB");
    return std::nullopt;
  }
  if (end == 0 || data[end - 1] != '\r') return broken("a line that does not end with CR LF");
  const std::string_view line = data.substr(0, end - 1);
  if (!std::ranges::all_of(line, [](char c) { return c >= ' ' && c <= '~'; }))
    return broken("a line with bytes that are not printable ASCII");
  return line;
}

bool is_hex(std::string_view text) {
  return text.size() % 2 == 0 && std::ranges::all_of(text, [](char c) { return text::hex_value(c) >= 0; });
}

/// What follows the word `command` on `line`; empty optional when the line is another command.
std::optional<std::string_view> argument(std::string_view line, std::string_view command) {
  if (!line.starts_with(command)) return std::nullopt;
  if (line.size() == command.size()) return std::string_view{};
  if (line[command.size()] != ' ') return std::nullopt;
  return line.substr(command.size() + 1);
}

/// Drops a line, but no descriptor that may belong to a message the kernel glued to it.
void drop_line(Stream& from, std::size_t size) {
  const std::uint64_t end = from.position() + size;
  for (Pin& pin : from.pins())
    if (pin.offset < end && pin.end > end) pin.offset = end;
  from.consume(size);
}

}  // namespace

void BusLogin::start(Stream& to_bus) {
  using namespace std::string_view_literals;
  to_bus.append("\0AUTH EXTERNAL\r\nDATA\r\nNEGOTIATE_UNIX_FD\r\nBEGIN\r\n"sv);
  state_ = State::challenged;
}

Result<> BusLogin::read(Stream& from_bus) {
  while (state_ != State::done) {
    const auto line = XC_TRY_IN("the bus", next_line(from_bus));
    if (!line) return {};
    XC_CHECK(take_line(*line));
    drop_line(from_bus, line->size() + 2);
  }
  return {};
}

Result<> BusLogin::take_line(std::string_view line) {
  if (state_ == State::accepted) {
    descriptors_ = line == "AGREE_UNIX_FD";
    state_ = State::done;
    return {};
  }
  if (line.starts_with("REJECTED")) return fail(Kind::policy, "the bus refused to know us (EXTERNAL was rejected)");
  if (state_ == State::challenged && argument(line, "DATA")) {
    state_ = State::deciding;
    return {};
  }
  const auto guid = argument(line, "OK");
  if (!guid || guid->size() != 32 || !is_hex(*guid)) return broken("the bus said something other than DATA or OK");
  guid_ = *guid;
  state_ = State::accepted;
  return {};
}

Result<> ClientLogin::read(Stream& from_client, Stream& to_client, const BusLogin& bus) {
  if (state_ == State::first_byte && !from_client.empty()) {
    if (from_client.data().front() != '\0') return broken("the first byte is not NUL");
    drop_line(from_client, 1);
    state_ = State::command;
  }
  while (!done() && state_ != State::first_byte && to_client.room() > 0) {
    const auto line = XC_TRY(next_line(from_client));
    if (!line) return {};
    if (XC_TRY(take_line(*line, to_client, bus)) == Taken::wait) return {};
    drop_line(from_client, line->size() + 2);
    if (++lines_ > max_lines) return broken("too many lines");
  }
  return {};
}

Result<ClientLogin::Taken> ClientLogin::take_line(std::string_view line, Stream& out, const BusLogin& bus) {
  if (state_ == State::accepted) {
    if (line == "BEGIN") {
      state_ = State::done;
      return Taken::yes;
    }
    if (line == "NEGOTIATE_UNIX_FD") {
      negotiate(out, bus);
      return Taken::yes;
    }
  } else if (line == "BEGIN") {
    return broken("BEGIN before the client was accepted");
  }
  if (const auto claim = argument(line, "DATA"); claim && state_ == State::data) return authenticate(*claim, out, bus);
  if (const auto mechanism = argument(line, "AUTH"); mechanism && state_ == State::command) {
    const auto claim = argument(*mechanism, "EXTERNAL");
    if (claim && !claim->empty()) return authenticate(*claim, out, bus);
    if (!claim) {
      reject(out);
      return Taken::yes;
    }
    out.append("DATA\r\n");
    state_ = State::data;
    return Taken::yes;
  }
  if (line == "CANCEL" || argument(line, "ERROR")) {
    reject(out);
    return Taken::yes;
  }
  out.append("ERROR \"not a command of this state\"\r\n");
  return Taken::yes;
}

ClientLogin::Taken ClientLogin::authenticate(std::string_view claim, Stream& out, const BusLogin& bus) {
  if (!is_hex(claim)) {
    reject(out);
    return Taken::yes;
  }
  if (bus.started() && !bus.done()) return Taken::wait;
  // Without a bus the client is let in to be told so in a message; it never relies on the id then.
  out.append("OK " + (bus.done() ? bus.guid() : std::string(32, '0')) + "\r\n");
  state_ = State::accepted;
  return Taken::yes;
}

void ClientLogin::negotiate(Stream& out, const BusLogin& bus) {
  descriptors_ = bus.descriptors();
  out.append(descriptors_ ? "AGREE_UNIX_FD\r\n" : "ERROR \"the bus passes no descriptors\"\r\n");
}

void ClientLogin::reject(Stream& out) {
  out.append("REJECTED EXTERNAL\r\n");
  state_ = State::command;
  descriptors_ = false;
}

}  // namespace xc::mediate::dbus
