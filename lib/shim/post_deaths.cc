// What follows the death of a worker. Connections that it had not taken wait in its end of the socket, of which the
// monitor keeps a descriptor, and the next worker gets them. Runs in the monitor; what it reads here are its own words.
//
// Only what no worker has seen is passed on: a connection that made one die was taken, and ends with it.
#include <algorithm>

#include "base/text.h"
#include "shim/handover.h"
#include "shim/post.h"
#include "sys/log.h"

namespace xc::shim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int most_messages = 128;  // more than a queue holds: connections, observers and the word to begin

milliseconds back_off(std::size_t crashes) {  // 0, 50 ms, 100 ms ... 5 s
  if (crashes <= 1) return milliseconds(0);
  return std::min(milliseconds(50) * (1U << std::min<std::size_t>(crashes - 2, 7)), milliseconds(5000));
}

}  // namespace

void Post::count_crash(Clock::time_point now) {
  ++restarts_;
  std::erase_if(crashes_, [&](auto when) { return now - when > seconds(60); });
  crashes_.push_back(now);
  not_before_ = now + back_off(crashes_.size());
  if (crashes_.size() <= link_.limits.respawns) return;
  ++limits_["respawns"];
  close("the worker died or could not be started too often within a minute");
}

/// Nobody may knock for a long time: those who wait are reason enough for a worker.
void Post::try_worker(Clock::time_point now) {
  const auto started = start_worker(now);
  if (started) return;
  turn_away(started.error().text);
  count_crash(now);
}

/// To the worker that has just started. Under other rights the provider may be another one, too: then they are closed,
/// as those of a worker that was relieved are. What observers there were, it knows already.
void Post::pass_on_legacy(Clock::time_point now) {
  const Legacy legacy = std::move(*legacy_);
  legacy_.reset();
  if (legacy.generation != worker_->generation) return;
  std::uint64_t count = 0;
  for (int n = 0; n < most_messages && has_message(legacy.queue.get()); ++n) {
    const auto left = receive_handover(legacy.queue.get());
    if (!left || !*left) break;
    if (!(*left)->client) continue;
    if (!send_handover(worker_->process.control.get(), **left).value_or(false)) break;
    ++count;
  }
  if (count == 0) return;
  passed_ += count;
  past_.passed -= std::min(past_.passed, count);  // where they were counted when their worker died
  waiting_since_ = now;
  log::notice(street_.consumer + ": " + link_.service + ": the next worker has the connections that the last one had " +
              "not taken, " + text::number(count));
}

}  // namespace xc::shim
