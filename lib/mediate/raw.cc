// Mediator for `unix` links: bytes and descriptors pass, nothing is parsed. Runs in the worker.
#include <algorithm>

#include "mediate/mediator.h"

namespace xc::mediate {
namespace {

class Raw final : public Mediator {
 public:
  explicit Raw(const Terms& terms)
      : limit_(model::descriptor_limit(terms.rights)),
        reachable_(terms.upstream == Upstream::connected),
        tally_(terms.tally) {}

  Result<> advance(Wire wire) override {
    if (!reachable_) {  // no words of our own exist on a raw socket: the client sees the end of the stream
      wire.to_client.end();
      wire.to_server.end();
      return {};
    }
    XC_CHECK(pass(wire.from_client, wire.to_server, tally_.to_server));
    return pass(wire.from_server, wire.to_client, tally_.to_client);
  }

 private:
  Result<> pass(Stream& from, Stream& to, std::uint64_t& bytes) {
    for (const Pin& pin : from.pins()) {
      if (pin.descriptors.size() > limit_) {
        ++tally_.refusals;
        return fail(Kind::policy, "more descriptors in a message than the role may pass");
      }
    }
    const std::size_t count = std::min(from.data().size(), to.room());
    const std::size_t pinned = to.pins().size();
    to.take(from, count);
    for (std::size_t i = pinned; i < to.pins().size(); ++i) tally_.descriptors += to.pins()[i].descriptors.size();
    bytes += count;
    if (from.finished()) to.end();
    return {};
  }

  std::size_t limit_;
  bool reachable_;
  Tally& tally_;
};

}  // namespace

std::unique_ptr<Mediator> make_raw(const Terms& terms) {
  return std::make_unique<Raw>(terms);
}

}  // namespace xc::mediate
