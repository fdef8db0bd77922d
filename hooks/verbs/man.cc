// xc-inject man: the manual pages, made while building from what --help says and from the schemas. Hidden: a reader has
// man(1).
#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "advice/manual.h"
#include "app/call.h"
#include "app/render.h"
#include "base/text.h"
#include "verbs/tree.h"
#include "verbs/verbs.h"

namespace xc::verbs {
namespace {

std::string synopsis_of(const VerbInfo& verb) {
  std::string line;
  for (const OptionInfo& option : verb.options)
    if (option.positional) line += " [" + option.names.front() + "]";
  return line;
}

std::string items_of(const VerbInfo& verb) {
  std::string out;
  for (const OptionInfo& option : verb.options) {
    if (option.names.back() == "--help") continue;
    const std::string value = option.value.empty() ? "" : " " + option.value;
    out += advice::manual_item(text::join(option.names, ", ") + value, option.about);
  }
  return out;
}

std::string verb_of(const VerbInfo& verb, const std::string& before, const std::string& usual) {
  std::string out =
      ".SS " + advice::roff(before + verb.name + synopsis_of(verb)) + "\n" + advice::roff(verb.about) + "\n";
  out += items_of(verb);
  if (verb.footer != usual) out += advice::manual_literal(verb.footer);
  for (const VerbInfo& below : verb.verbs) out += verb_of(below, before + verb.name + " ", usual);
  return out;
}

Result<std::string> page_of(const CLI::App& app, const std::string& name, const std::string& schema,
                            const std::string& example) {
  if (!schema.empty()) {
    const auto page = XC_TRY(app::schema_page(schema));
    const std::string shown = example.empty() ? "" : XC_TRY(app::text_of(example));
    return advice::manual_of_schema(name, page, shown, XC_VERSION);
  }
  if (name == "xc-inject") return man_of(tree_of(app));
  if (name == "xc-hook")
    return advice::manual_of_help(name, "plants what a container was granted, at its start", app::hook_help(),
                                  "xconnect(7), xc-shim(8), xc-inject(1)", XC_VERSION);
  const std::string page = advice::manual_overview(name, XC_VERSION);
  if (page.empty()) return fail(Kind::usage, text::quoted(name) + ": there is no such manual page");
  return page;
}

}  // namespace

std::string man_of(const VerbInfo& tree) {
  std::string out = advice::manual_head("xc-inject", 1, "a person's window into xconnect", XC_VERSION);
  out += advice::manual_section("SYNOPSIS") + ".B xc\\-inject\nCOMMAND [OPTION...] [ARGUMENT...]\n";
  out +=
      advice::manual_section("DESCRIPTION") +
      "Shows, checks and explains what containers are given through xconnect. Every command that shows something has "
      "\\-\\-json. Colours appear on terminals only, and never when NO_COLOR is set.\n";
  out += advice::manual_section("COMMANDS");
  for (const VerbInfo& verb : tree.verbs) out += verb_of(verb, "", tree.footer);
  out += advice::manual_section("EXIT STATUS") + advice::roff(tree.footer) + "\n";
  return out + advice::manual_section("SEE ALSO") + "xconnect(7), xc\\-hook(8), xc\\-shim(8)\n";
}

void add_man(CLI::App& app, int& status) {
  struct Options {
    std::string page;
    std::string schema;
    std::string example;
  };
  auto options = std::make_shared<Options>();
  auto* verb = app.add_subcommand("man", "a manual page")->group("");
  verb->add_option("PAGE", options->page, "its name")->required();
  verb->add_option("--schema", options->schema, "the schema it describes");
  verb->add_option("--example", options->example, "a document it shows");
  verb->callback([options, &app, &status] {
    const auto page = page_of(app, options->page, options->schema, options->example);
    status = page ? print(*page) : complain(page.error());
  });
}

}  // namespace xc::verbs
