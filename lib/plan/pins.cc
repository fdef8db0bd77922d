// See pins.h.
#include "plan/pins.h"

#include <algorithm>
#include <string_view>

#include "base/text.h"
#include "model/address.h"

namespace xc::plan {
namespace {

/// Names and roles have no blank.
std::string beginning(const model::Link& link) {
  return link.service + " " + link.role + " ";
}

}  // namespace

std::string pin_of(const model::Link& link) {
  return beginning(link) + link.target;
}

std::optional<std::string> pinned_place(const std::map<std::string, std::string>& annotations,
                                        const model::Link& link) {
  const std::string start = beginning(link);
  for (const auto& [key, value] : annotations)
    if (key.starts_with(model::place_annotation) && value.starts_with(start)) return value.substr(start.size());
  return std::nullopt;
}

Result<> keep_promise(const std::optional<std::string>& place, model::Link& link) {
  if (!place) return {};
  if (std::ranges::find(link.places, *place) == link.places.end())
    return fail(Kind::plant, "a variable of the container names " + text::quoted(*place) +
                                 ", which is none of the places that this link may have");
  for (const std::string& other : link.places)
    if (other != *place) link.passed_over.push_back({other, "a variable of the container names another place"});
  link.places = {*place};
  return {};
}

}  // namespace xc::plan
