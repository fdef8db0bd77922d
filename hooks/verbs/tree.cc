#include "verbs/tree.h"

#include <CLI/CLI.hpp>

#include "base/text.h"

namespace xc::verbs {
namespace {

/// "TEXT:{a,b,c}" -> a, b, c: how CLI11 writes what IsMember allows.
std::vector<std::string> choices_in(const std::string& type) {
  std::vector<std::string> choices;
  const auto begin = type.find('{');
  const auto end = type.rfind('}');
  if (begin == std::string::npos || end == std::string::npos || end < begin) return choices;
  for (const auto word : text::split(std::string_view(type).substr(begin + 1, end - begin - 1), ','))
    choices.emplace_back(word);
  return choices;
}

OptionInfo info_of(const CLI::Option& option) {
  OptionInfo info;
  info.about = option.get_description();
  info.positional = option.nonpositional() ? false : true;
  info.takes_value = option.get_items_expected_max() > 0;
  info.choices = choices_in(option.get_type_name());
  if (info.positional) {
    info.names.push_back(option.get_name(true));
    return info;
  }
  for (const auto& name : option.get_snames()) info.names.push_back("-" + name);
  for (const auto& name : option.get_lnames()) info.names.push_back("--" + name);
  if (info.takes_value) info.value = info.choices.empty() ? "VALUE" : text::join(info.choices, "|");
  const std::string standard = option.get_default_str();
  if (!standard.empty() && info.takes_value) info.about += " [" + standard + "]";
  return info;
}

}  // namespace

VerbInfo tree_of(const CLI::App& app) {
  VerbInfo verb;
  verb.name = app.get_name();
  verb.about = app.get_description();
  verb.footer = app.get_footer();
  for (const CLI::Option* option : app.get_options()) verb.options.push_back(info_of(*option));
  for (const CLI::App* below : app.get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); }))
    verb.verbs.push_back(tree_of(*below));
  return verb;
}

}  // namespace xc::verbs
