#include "mediate/rest_verdict.h"

#include "base/text.h"
#include "mediate/http_grammar.h"
#include "mediate/rest_rules.h"

namespace xc::mediate {
namespace {

/// Why no provider hears this request; empty when one does.
std::optional<Verdict> absence(Upstream upstream) {
  switch (upstream) {
    case Upstream::connected: return std::nullopt;
    case Upstream::absent: return Verdict{503, "nobody offers the service at the moment"};
    case Upstream::failed: return Verdict{502, "the provider of the service cannot be reached"};
    case Upstream::denied: return Verdict{403, "the provider or the host's policy refuses this client"};
  }
  return Verdict{500, "unknown state of the provider"};
}

}  // namespace

bool has_identity(const Terms& terms) {
  return http::is_token(terms.client) && http::is_token(terms.role);
}

std::optional<Verdict> judge_request(const Terms& terms, std::string_view method, const http::Target& target,
                                     std::uint64_t length) {
  if (auto absent = absence(terms.upstream)) return absent;
  if (!has_identity(terms)) return Verdict{500, "the link's client or role cannot be written into a field"};
  const std::string who = "role \"" + terms.role + "\" may not ";
  const std::string what = " service \"" + terms.service + '"';
  if (!allows_request(terms.rights, method, target))
    return Verdict{403, who + std::string(method) + ' ' + target.path.substr(0, 200) + " of" + what,
                   describe_refusal(terms.rights, method, target)};
  const std::uint64_t most = body_limit(terms.rights, method, target);
  if (length > most) return Verdict{413, who + "send so long a body to" + what, "body " + text::number(most)};
  return std::nullopt;
}

}  // namespace xc::mediate
