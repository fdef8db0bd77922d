#include "mediate/rest_verdict.h"

#include <algorithm>

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

bool is_called(std::string_view name, std::string_view expected) {
  return std::ranges::equal(name, expected, {}, http::lower);
}

/// In a time that says nothing of where they differ.
bool is_same(std::string_view one, std::string_view other) {
  if (one.size() != other.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < one.size(); ++i)
    difference |= static_cast<unsigned char>(one[i]) ^ static_cast<unsigned>(static_cast<unsigned char>(other[i]));
  return difference == 0;
}

}  // namespace

std::optional<Verdict> judge_token(const Terms& terms, http::Fields& fields) {
  constexpr std::string_view scheme = "bearer ";
  if (terms.token.empty()) return std::nullopt;
  unsigned said = 0;
  bool right = false;
  for (http::Field& field : fields.all()) {
    if (!is_called(fields.name(field), "authorization")) continue;
    const std::string_view value = fields.value(field);
    right = value.size() > scheme.size() && is_called(value.substr(0, scheme.size()), scheme) &&
            is_same(value.substr(scheme.size()), terms.token);
    field.passes = false;
    ++said;
  }
  if (said == 1 && right) return std::nullopt;
  return Verdict{401, "this port asks for the token that the container was given"};
}

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
