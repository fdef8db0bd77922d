// Where the events of a trace go, and which. Runs in xc-inject.
#pragma once

#include <string>
#include <string_view>

#include <optional>
#include "app/trace.h"
#include "base/fd.h"
#include "base/result.h"
#include "model/event.h"
#include "reader/reader.h"

namespace xc::app {

class EventOut {
 public:
  /// Opens the files that `options` (which outlives it) name.
  [[nodiscard]] static Result<EventOut> open(const TraceOptions& options);

  /// Understands a line of a worker, which says what it likes: who it is comes from `stamp`. False when no more is
  /// wanted. A line that is none is told as an event of its own.
  [[nodiscard]] Result<bool> take(std::string_view line, const model::Event& stamp);
  /// A line that was written by us, and may have been changed by anybody.
  [[nodiscard]] Result<bool> take_back(std::string_view line);

 private:
  EventOut(const TraceOptions& options, reader::Reader reader) : options_(options), reader_(std::move(reader)) {}
  [[nodiscard]] Result<model::Event> understand(std::string_view line);
  [[nodiscard]] Result<bool> show(const model::Event& event);
  [[nodiscard]] bool is_wanted(const model::Event& event) const;
  [[nodiscard]] bool has_wanted_verdict(const model::Event& event) const;
  [[nodiscard]] Result<> write(const Fd& file, std::string_view text) const;

  const TraceOptions& options_;
  std::optional<reader::Reader> reader_;
  Fd output_;
  Fd pcap_;
  std::uint64_t shown_ = 0;
};

}  // namespace xc::app
