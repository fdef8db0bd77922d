#include "app/event_out.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "app/pcap.h"
#include "app/trace_line.h"
#include "base/json_out.h"
#include "base/text.h"
#include "sys/program_name.h"

namespace xc::app {
namespace {

/// A new file, or an old one emptied; "-" is standard output.
Result<Fd> open_output(const std::string& path) {
  if (path == "-") return Fd{::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)};
  Fd file{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!file) return fail_errno(Kind::usage, path, errno);
  return file;
}

bool was_refused(const model::Event& event) {
  if (event.refused || event.verdict == "refused") return true;
  return event.reason && (event.verdict == "answered" || event.verdict == "dropped");
}

/// Of whoever asked for a lease; the shim tells its number alone.
void name_process(model::Event& event) {
  const auto proc = sys::Proc::open();
  if (!proc || *event.pid > std::uint64_t{model::highest_pid}) return;
  const auto name = sys::name_of_program(*proc, static_cast<pid_t>(*event.pid));
  if (!name.program.empty()) event.program = name.program;
  if (!name.file.empty()) event.path = name.file;
  event = cleaned(std::move(event));
}

}  // namespace

Result<EventOut> EventOut::open(const TraceOptions& options) {
  EventOut out(options, XC_TRY(reader::Reader::start()));
  const bool silent = options.output.empty() && !options.pcap.empty();
  if (!silent) out.output_ = XC_TRY(open_output(options.output.empty() ? "-" : options.output));
  if (options.pcap.empty()) return out;
  out.pcap_ = XC_TRY(open_output(options.pcap));
  XC_CHECK(out.write(out.pcap_, pcap_header()));
  return out;
}

/// The reader's child has a second of processor time, and may have been taken over by what it read: another one then.
Result<model::Event> EventOut::understand(std::string_view line) {
  auto event = reader_->event(line);
  if (event) return cleaned(std::move(*event));
  reader_.emplace(XC_TRY(reader::Reader::start()));
  event = reader_->event(line);
  if (event) return cleaned(std::move(*event));
  model::Event broken;
  broken.event = "unreadable";
  broken.reason = text::printable(event.error().text);
  return broken;
}

Result<bool> EventOut::take(std::string_view line, const model::Event& stamp) {
  model::Event event = XC_TRY(understand(line));
  event.time = stamp.time;
  event.container = stamp.container;
  event.service = stamp.service;
  event.role = stamp.role;
  event.protocol = stamp.protocol;
  if (event.event.starts_with("lease") && event.pid && !event.program) name_process(event);
  return show(event);
}

Result<bool> EventOut::take_back(std::string_view line) {
  return show(XC_TRY(understand(line)));
}

bool EventOut::has_wanted_verdict(const model::Event& event) const {
  return options_.verdicts.empty() || std::ranges::any_of(options_.verdicts, [&](const std::string& wanted) {
           if (wanted == "refused") return was_refused(event);
           if (wanted == "passed" && event.event == "exchange") return !event.refused.has_value();
           return event.verdict == wanted;
         });
}

bool EventOut::is_wanted(const model::Event& event) const {
  if (event.event == "lost") return true;
  if (!options_.from.empty() && (event.from == "client") != (options_.from == "client")) return false;
  if (!has_wanted_verdict(event)) return false;
  if (options_.pattern.empty()) return true;
  const std::string line = line_of(event, false);
  const bool whole = options_.pattern.find_first_of("*?") != std::string::npos;
  return whole ? text::glob(options_.pattern, std::string_view(line).substr(0, line.find('\n')))
               : line.find(options_.pattern) != std::string::npos;
}

Result<bool> EventOut::show(const model::Event& event) {
  if (!is_wanted(event)) return true;
  const auto record = pcap_ ? pcap_record(event) : std::nullopt;
  if (record) XC_CHECK(write(pcap_, *record));
  const bool as_json = options_.json || !options_.output.empty();
  if (output_) XC_CHECK(write(output_, as_json ? to_json(event) + "\n" : line_of(event, options_.colour)));
  ++shown_;
  return options_.count == 0 || shown_ < options_.count;
}

/// EPIPE, from a reader that has gone away, ends the trace without a word: see trace().
Result<> EventOut::write(const Fd& file, std::string_view text) const {
  while (!text.empty()) {
    const ssize_t count = ::write(file.get(), text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_errno(Kind::kernel, "writing the trace", errno);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace xc::app
