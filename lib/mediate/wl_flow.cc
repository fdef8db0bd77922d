// One direction of a Wayland connection; see the header. Pure; runs in the worker.
#include "mediate/wl_flow.h"

namespace xc::mediate::wl {
namespace {

std::size_t queued(const Stream& to) {
  std::size_t count = 0;
  for (const Pin& pin : to.pins()) count += pin.descriptors.size();
  return count;
}

/// Pins one descriptor `ahead` bytes from the end of the stream, or earlier, with the last ones that have not left yet.
void attach(Stream& to, Fd descriptor, std::size_t ahead) {
  if (!to.pins().empty() && to.pins().back().descriptors.size() < Flow::most_together) {
    to.pins().back().descriptors.push_back(std::move(descriptor));
    return;
  }
  std::vector<Fd> alone;
  alone.push_back(std::move(descriptor));
  to.pin(std::move(alone), ahead);
}

}  // namespace

std::optional<Flow::Message> Flow::next(Stream& from) {
  auto& pins = from.pins();
  for (; !pins.empty(); pins.pop_front())
    for (Fd& descriptor : pins.front().descriptors) queue_.push_back(std::move(descriptor));
  const std::string_view bytes = from.data().substr(run_);
  if (bytes.size() < header_size) return std::nullopt;
  const Header header = parse_header(bytes);
  if (!is_sane(header)) return Message{header, {}, false};
  if (bytes.size() < header.size) return std::nullopt;
  return Message{header, bytes.substr(header_size, header.size - header_size)};
}

bool Flow::congested(const Stream& to, std::size_t room) const {
  return run_ >= room || (!to.pins().empty() && queued(to) >= most_queued);
}

void Flow::carry_out(const Verdict& verdict, const Header& header, Stream& from, Stream& to) {
  const bool passes = verdict.act != Verdict::Act::drop;
  if (verdict.act != Verdict::Act::pass) flush(from, to);
  for (std::size_t i = 0; i < verdict.descriptors; ++i) {
    if (passes) attach(to, std::move(queue_.front()), run_);
    queue_.pop_front();
  }
  if (passes) passed_ += verdict.descriptors;
  if (verdict.act == Verdict::Act::pass) {
    run_ += header.size;
  } else {
    to.append(verdict.bytes);
    from.consume(header.size);
  }
  if (verdict.after.empty()) return;
  flush(from, to);
  to.append(verdict.after);
}

void Flow::flush(Stream& from, Stream& to) {
  if (run_ > 0) to.take(from, run_);
  run_ = 0;
}

void Flow::discard(Stream& from) {
  run_ = 0;
  queue_.clear();
  from.consume(from.data().size());
}

}  // namespace xc::mediate::wl
