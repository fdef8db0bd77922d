// One direction of a D-Bus connection; see the header. Pure, runs in the worker.
#include "mediate/dbus_flow.h"

#include <algorithm>

namespace xc::mediate::dbus {
namespace {

/// As much of a message may have to wait in the stream itself; below its capacity, or it would never be complete.
constexpr std::size_t max_in_stream = 48 * 1024;

std::unexpected<Error> stray() {
  return fail(Kind::policy, "D-Bus connection: descriptors that no message announces");
}

}  // namespace

void Flow::collect(Stream& from, std::uint64_t end) {
  auto& pins = from.pins();
  while (!pins.empty() && pins.front().offset < end) {
    loose_.push_back(std::move(pins.front()));
    pins.pop_front();
  }
}

void Flow::finish(Stream& to) {
  if (body_left_ > 0 && passing_) return;
  if (!late_.empty()) to.append(late_);
  late_.clear();
}

Result<> Flow::move_body(Stream& from, Stream& to) {
  if (body_left_ == 0) return {};
  auto count = static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, from.data().size()));
  if (passing_) count = std::min(count, to.room());
  const std::uint64_t end = from.position() + body_left_;
  collect(from, from.position() + count);
  if (!loose_.empty() && loose_.front().end <= end) return stray();
  if (passing_) {
    to.take(from, count);
  } else {
    from.consume(count);
  }
  body_left_ -= count;
  starved_ = from.empty();
  finish(to);
  return {};
}

Result<bool> Flow::front(Stream& from) {
  if (!extent_) {
    begun_ = !from.empty() && from.data().size() < measurable;
    if (from.data().size() < measurable) return false;
    extent_ = XC_TRY(measure(from.data()));
    start_ = from.position();
    wanted_ = extent_->header;
  }
  return from.data().size() >= wanted_ || !held_.empty();
}

void Flow::want(std::size_t body) {
  wanted_ = std::max(wanted_, extent_->header + body);
  if (wanted_ > max_in_stream) wanted_ = extent_->header + extent_->body;  // what is held is held as a whole
}

Result<bool> Flow::enough(Stream& from) {
  if (held_.empty() && wanted_ <= max_in_stream) return from.data().size() >= wanted_;
  if (wanted_ > extent_->header + max_held)
    return fail(Kind::policy, "D-Bus message: a reply of the bus that is too long to be judged");
  const std::size_t count = std::min(wanted_ - held_.size(), from.data().size());
  collect(from, from.position() + count);
  held_ += from.data().substr(0, count);
  from.consume(count);
  return held_.size() == wanted_;
}

/// Nothing but the front message is here, and what came with its first byte; descriptors that came later are of none.
Result<std::optional<Message>> Flow::wait(const Stream& from) const {
  if (loose_.size() + from.pins().size() > 1) return stray();
  return std::nullopt;
}

Message Flow::view(const Stream& from, const Header& header) const {
  const std::string_view bytes = held_.empty() ? from.data() : std::string_view(held_);
  return {header, bytes.substr(extent_->header, wanted_ - extent_->header)};
}

Result<std::vector<Fd>> Flow::claim(Stream& from, std::uint32_t announced) {
  collect(from, start_ + extent_->header);
  std::vector<Fd> claimed;
  if (announced > 0 && !loose_.empty() && loose_.front().offset <= start_) {
    claimed = std::move(loose_.front().descriptors);
    loose_.pop_front();
  }
  if (claimed.size() != announced)
    return fail(Kind::policy, "D-Bus message: it announces another number of descriptors than came with it");
  if (!loose_.empty() && loose_.front().end <= start_ + extent_->header + extent_->body) return stray();
  return claimed;
}

void Flow::step_over(Stream& from, bool passing) {
  body_left_ = held_.empty() ? extent_->body : 0;
  if (held_.empty()) from.consume(extent_->header);
  passing_ = passing;
  held_ = {};
  extent_.reset();
}

Result<> Flow::pass(Stream& from, Stream& to, const Header& was, std::string_view header) {
  auto descriptors = XC_TRY(claim(from, was.descriptors));
  passed_descriptors_ += descriptors.size();
  to.pin(std::move(descriptors));
  to.append(header);
  if (!held_.empty()) to.append(std::string_view(held_).substr(extent_->header));
  step_over(from, true);
  return move_body(from, to);
}

Result<> Flow::replace(Stream& from, Stream& to, const Header& was, std::string_view whole) {
  (void)XC_TRY(claim(from, was.descriptors));  // closed here
  if (!whole.empty()) to.append(whole);
  step_over(from, false);
  return move_body(from, to);
}

void Flow::send(Stream& to, std::string_view whole) {
  if (body_left_ > 0 && passing_) {
    late_ += whole;
  } else if (!whole.empty()) {
    to.append(whole);
  }
}

}  // namespace xc::mediate::dbus
