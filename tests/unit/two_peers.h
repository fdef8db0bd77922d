// A mediator between two peers made of strings: the four streams, and what the mediator was told. For unit tests and
// fuzz targets, which add the words of their protocol.
#pragma once

#include <fcntl.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mediate/mediator.h"

namespace xc::mediate {

inline std::vector<Fd> some_descriptors(std::size_t count) {
  std::vector<Fd> out;
  for (std::size_t i = 0; i < count; ++i) out.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  return out;
}

class TwoPeers {
 public:
  /// With `drip` every byte arrives alone. The container, the role and the service are all called `name`.
  TwoPeers(std::string name, model::Type type, model::Rights rights, bool drip = false,
           Upstream upstream = Upstream::connected, Observer* observer = nullptr)
      : name_(std::move(name)), rights_(std::move(rights)), drip_(drip) {
    mediator_ = make_mediator({.type = type,
                               .client = name_,
                               .role = name_,
                               .service = name_,
                               .rights = rights_,
                               .upstream = upstream,
                               .tally = tally,
                               .observer = observer});
  }
  TwoPeers(const TwoPeers&) = delete;
  TwoPeers& operator=(const TwoPeers&) = delete;

  Result<> advance() { return mediator_->advance({from_client, to_server, from_server, to_client}); }

  /// Bytes of one side, with descriptors that arrive with the first of them. The text of the error, or "".
  std::string feed(Stream& stream, std::string_view bytes, std::vector<Fd> descriptors = {}) {
    const std::size_t step = drip_ ? 1 : bytes.size();
    for (std::size_t at = 0; at == 0 || at < bytes.size(); at += step) {
      const std::uint64_t start = stream.end_position();
      stream.append(bytes.substr(at, step));
      stream.pin_at(start, std::exchange(descriptors, {}));
      if (const auto result = advance(); !result) return result.error().text;
      if (step == 0) break;
    }
    return "";
  }
  Mediator& mediator() { return *mediator_; }

  Stream from_client{};
  Stream to_server{};
  Stream from_server{};
  Stream to_client{};
  Tally tally{};

 private:
  std::string name_;
  model::Rights rights_;
  bool drip_;
  std::unique_ptr<Mediator> mediator_;
};

/// Rights of one layer of rules each, as provider and host policy give them.
inline model::Rights rights_of(std::vector<model::RoleRules> layers) {
  model::Rights rights;
  for (auto& rules : layers) rights.layers.push_back({{std::move(rules)}});
  return rights;
}

}  // namespace xc::mediate
