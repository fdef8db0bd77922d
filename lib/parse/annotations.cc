// Requirements written as annotations of a container.
#include <algorithm>

#include "base/text.h"
#include "model/address.h"
#include "parse/field.h"
#include "parse/manifest.h"

namespace xc::parse {
namespace {

constexpr std::string_view ours = "io.xconnect.";
constexpr std::string_view require = "io.xconnect.require.";

std::unexpected<Error> refuse(std::string_view key, std::string_view sentence) {
  return fail(Kind::manifest, "annotation " + text::printable(key, 96) + ": " + std::string(sentence));
}

std::string quoted(std::string_view word) {
  return "\"" + text::printable(word, 40) + "\"";
}

/// "role" of "role=viewer".
std::string_view option_of(std::string_view word) {
  return word.substr(0, word.find('='));
}

/// One word behind the target.
Result<> read_option(std::string_view key, std::string_view word, model::Requirement& wanted) {
  const auto equals = word.find('=');
  const std::string_view option = option_of(word);
  if (word == "optional") {
    wanted.required = false;
    return {};
  }
  if (equals == std::string_view::npos || (option != "role" && option != "provider"))
    return refuse(key, quoted(word) + " is not known; known are role=, provider= and optional");
  const std::string_view value = word.substr(equals + 1);
  const Word& rule = option == "role" ? word::role : word::provider;
  if (!rule.fits(value)) return refuse(key, std::string(option) + "= must be " + std::string(rule.looks));
  (option == "role" ? wanted.role : wanted.provider) = value;
  return {};
}

Result<model::Requirement> read_requirement(std::string_view key, std::string_view value) {
  const std::string_view service = key.substr(require.size());
  model::Requirement wanted;
  wanted.where = "annotation " + text::printable(key, 96);
  if (!word::name.fits(service)) return refuse(key, "the service must be " + std::string(word::name.looks));
  wanted.name = service;
  std::vector<std::string_view> words = text::split(value, ';');
  if (!word::plain.fits(words.front()))
    return refuse(key, "expected a target without control characters, such as /run/x.sock or auto, found " +
                           quoted(words.front()));
  wanted.targets.emplace_back(words.front());
  words.erase(words.begin());
  for (auto word = words.begin(); word != words.end(); ++word) {
    const auto same = [&](std::string_view one) { return option_of(one) == option_of(*word); };
    if (std::any_of(words.begin(), word, same)) return refuse(key, quoted(option_of(*word)) + " stands there twice");
    XC_CHECK(read_option(key, *word, wanted));
  }
  return wanted;
}

Result<std::string> read_path(std::string_view key, const std::string& value) {
  if (!word::plain.fits(value) || !value.starts_with('/') || value.size() > manifest_limits.text)
    return refuse(key, "expected the absolute path of a file on the host, found " + quoted(value));
  return value;
}

}  // namespace

Result<model::Annotated> parse_annotations(const std::map<std::string, std::string>& annotations) {
  model::Annotated found;
  for (const auto& [key, value] : annotations) {
    if (!key.starts_with(ours)) continue;
    if (key.starts_with(require)) {
      if (value.size() > manifest_limits.text) return refuse(key, "longer than the 4095 bytes allowed");
      found.manifest.requirements.push_back(XC_TRY(read_requirement(key, value)));
    } else if (key.starts_with(model::place_annotation)) {
      continue;  // a promise of xc-precreate's (plan/pins.h)
    } else if (key == "io.xconnect.run") {
      found.run = XC_TRY(read_path(key, value));
    } else if (key == "io.xconnect.services") {
      found.services = XC_TRY(read_path(key, value));
    } else {
      found.manifest.warnings.push_back("annotation " + text::printable(key, 96) +
                                        ": not known; known are io.xconnect.run, io.xconnect.services and "
                                        "io.xconnect.require.<service>");
    }
  }
  if (found.manifest.requirements.size() > most_services)
    return fail(Kind::manifest, "annotations: more than the 64 requirements allowed");
  return found;
}

}  // namespace xc::parse
