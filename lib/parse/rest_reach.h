// Rules of a REST role that no request is ever allowed by: mistakes that would be noticed late, by a client that is
// refused. Runs where documents are parsed.
#pragma once

#include <string>
#include <vector>

#include "model/service.h"
#include "parse/json_view.h"

namespace xc::parse {

/// A warning, with place and remedy, for each path that differs from every path as it is judged (base/uri_path.h), each
/// method that nobody is served with, and each rule whose requests the rules before it allow already. `views` are the
/// objects that `rules` were read from. Bounded: of rules that are too tangled to compare nothing is said.
void warn_of_unreachable(const std::vector<View>& views, const std::vector<model::RestRule>& rules,
                         std::vector<std::string>& warnings);

}  // namespace xc::parse
