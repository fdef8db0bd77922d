#include "app/trace_line.h"

#include <array>
#include <ctime>

#include "app/seen.h"
#include "base/escape.h"
#include "base/text.h"

namespace xc::app {
namespace {

constexpr std::size_t longest_text = 1024;

/// An archive (base/pack.h) that makes texts printable.
struct Cleaner {
  void operator()(std::string_view /*name*/, model::Event::Text& text) const {
    if (text) text = text::printable(*text, longest_text);
  }
  void operator()(std::string_view /*name*/, std::string& text) const { text = text::printable(text, longest_text); }
  void operator()(std::string_view /*name*/, model::Event::Count& /*count*/) const {}
};

std::string clock_of(std::uint64_t microseconds) {
  const auto seconds = static_cast<std::time_t>(microseconds / 1'000'000);
  tm parts{};
  std::array<char, 16> text{};
  if (::localtime_r(&seconds, &parts) != nullptr) (void)std::strftime(text.data(), text.size(), "%H:%M:%S", &parts);
  return std::string(text.data()) + "." + text::number(1'000'000 + microseconds % 1'000'000).substr(1);
}

std::string or_dash(const model::Event::Text& text) {
  return text && !text->empty() ? *text : "-";
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text + "  ";
}

std::string size_of(const model::Event& event) {
  std::string text = text::number(event.bytes.value_or(0)) + " B";
  if (const auto count = event.descriptors.value_or(0); count > 0) text += " +" + text::number(count) + " fd";
  return text;
}

/// Method, path, status, time, sizes of the bodies.
std::string exchange(const model::Event& e) {
  std::string line = e.method ? *e.method + " " + or_dash(e.path) : "(no request understood)";
  line += "  " + text::number(e.status.value_or(0));
  if (e.us) line += "  " + duration_text(*e.us);
  line += "  sent " + text::number(e.sent.value_or(0)) + " B, received " + text::number(e.received.value_or(0)) + " B";
  if (e.refused) line += "  refused: " + *e.refused;
  return line;
}

/// busctl(1) monitor's columns, in one line.
std::string bus_message(const model::Event& e) {
  std::string line = (e.from == "client" ? "-> " : "<- ") + padded(or_dash(e.type), 6);
  line +=
      padded(text::number(e.serial.value_or(0)) + (e.reply_serial ? " for " + text::number(*e.reply_serial) : ""), 8);
  line += padded(or_dash(e.sender), 6) + padded(or_dash(e.destination), 6) + padded(or_dash(e.path), 1);
  line += padded(or_dash(e.interface) + "." + or_dash(e.member), 1);
  if (e.error) line += *e.error + "  ";
  line += size_of(e);
  if (e.us) line += "  " + duration_text(*e.us);
  line += "  " + or_dash(e.verdict);
  if (e.rule) line += " by \"" + *e.rule + "\"";
  if (e.reason) line += ": " + *e.reason;
  return line;
}

/// As libwayland writes with WAYLAND_DEBUG=1.
std::string wayland_message(const model::Event& e) {
  std::string line = e.from == "client" ? " -> " : "    ";
  line += e.interface.value_or("[unknown]") + "@" + text::number(e.object.value_or(0)) + ".";
  line +=
      e.message.value_or("[opcode " + text::number(e.opcode.value_or(0)) + "]") + "(" + e.arguments.value_or("") + ")";
  if (e.descriptors.value_or(0) > 0) line += "  +" + text::number(*e.descriptors) + " fd";
  if (e.verdict && *e.verdict != "passed") line += "  " + *e.verdict;
  if (e.reason) line += ": " + *e.reason;
  return line;
}

std::string process(const model::Event& e) {
  const std::string line = "process " + text::number(*e.pid);
  if (!e.program) return line + ", which has ended";
  return line + ", " + *e.program + (e.path ? " (" + *e.path + ")" : "");
}

/// Of a device, as far as the kernel tells.
std::string opening(const model::Event& e) {
  return e.pid ? "opened by " + process(e) : "opened; this kernel does not say by whom";
}

/// Of a screen.
std::string lease(const model::Event& e) {
  if (e.event == "leased") return "leased " + or_dash(e.connector) + (e.pid ? " to " + process(e) : "");
  if (e.event == "lease-ended") return "lease of " + or_dash(e.connector) + " ended: " + or_dash(e.reason);
  return "no lease" + (e.pid ? " for " + process(e) : std::string()) + ": " + or_dash(e.refused);
}

std::string lost(const model::Event& e) {
  return (e.lines ? text::number(*e.lines) : "some") + " lines lost: they came faster than they were read";
}

std::string what_happened(const model::Event& e) {
  if (e.event == "exchange") return exchange(e);
  if (e.event == "message") return e.object ? wayland_message(e) : bus_message(e);
  if (e.event == "bytes") return (e.from == "client" ? "-> " : "<- ") + size_of(e);
  if (e.event == "open") return opening(e);
  if (e.event.starts_with("lease")) return lease(e);
  if (e.event == "lost") return lost(e);
  const auto& why = e.reason ? e.reason : e.refused;
  return e.event + (why ? ": " + *why : "");
}

bool is_refusal(const model::Event& e) {
  if (e.refused || e.event == "lost") return true;
  return e.verdict && *e.verdict != "passed" && *e.verdict != "changed" && e.reason;
}

/// As xxd(1) does.
std::string dump(std::string_view bytes) {
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 16) {
    const std::string_view row = bytes.substr(at, 16);
    std::string digits;
    std::string letters;
    for (std::size_t i = 0; i < row.size(); ++i) {
      digits += text::hex(row.substr(i, 1)) + (i % 2 == 1 ? " " : "");
      letters += row[i] >= 0x20 && row[i] < 0x7f ? row[i] : '.';
    }
    const auto place = static_cast<std::uint64_t>(at);
    const std::array<char, 4> offset{static_cast<char>(place >> 24U), static_cast<char>(place >> 16U),
                                     static_cast<char>(place >> 8U), static_cast<char>(place)};
    out += "    " + text::hex({offset.data(), offset.size()}) + "  " + padded(digits, 40) + letters + "\n";
  }
  return out;
}

}  // namespace

model::Event cleaned(model::Event event) {
  const auto payload = std::move(event.payload);  // digits only, and long: see parse::validate()
  event.payload.reset();
  Cleaner cleaner;
  fields(cleaner, event);
  event.payload = payload;
  return event;
}

std::string line_of(const model::Event& event, bool colour) {
  std::string line = clock_of(event.time.value_or(0)) + " " + or_dash(event.container) + "/" + or_dash(event.service);
  line += "  " + what_happened(event);
  if (colour && is_refusal(event)) line = "\x1b[31m" + line + "\x1b[0m";
  line += "\n";
  if (event.payload) line += dump(text::bytes_of_hex(*event.payload).value_or(std::string()));
  return line;
}

}  // namespace xc::app
