// Messages of a bus in a file that Wireshark reads: the classic pcap format with link type 231 (DBUS). Runs in
// xc-inject.
#pragma once

#include <optional>
#include <string>

#include "model/event.h"

namespace xc::app {

/// What the file begins with.
[[nodiscard]] std::string pcap_header();

/// The record of a bus message whose payload is at hand; nothing for any other event.
[[nodiscard]] std::optional<std::string> pcap_record(const model::Event& event);

}  // namespace xc::app
