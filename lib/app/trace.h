// `xc-inject trace`: what crosses links, live. Runs in xc-inject. Lines come from workers, which read hostile bytes:
// they are understood by the reader's child, and made printable before anybody sees them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace xc::app {

struct TraceOptions {
  std::string state = "/run/xconnect";
  std::string what;                   ///< CONTAINER, CONTAINER/SERVICE; empty: everything
  std::string from;                   ///< only what this side says: client or provider
  std::vector<std::string> verdicts;  ///< only messages with one of these; "refused" is any that was not passed
  std::string pattern;                ///< only lines in which this stands; with * and ?, lines that match as a whole
  bool payload = false;
  bool json = false;
  std::string output;         ///< file that gets lines of JSON, instead of standard output
  std::string read;           ///< such a file, instead of living links
  std::string pcap;           ///< file for messages of buses; "-" is standard output
  std::uint64_t count = 0;    ///< end after so many events; 0: never
  std::uint64_t seconds = 0;  ///< and after so long
  bool colour = false;
};

/// Traces until a signal, the end of the file, or as `options` say.
[[nodiscard]] Result<> trace(const TraceOptions& options);

}  // namespace xc::app
