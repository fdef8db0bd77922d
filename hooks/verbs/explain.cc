// xc-inject explain.
#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "advice/explain.h"
#include "base/json_out.h"
#include "verbs/verbs.h"

namespace xc::verbs {
namespace {

/// Every line of standard input, each explained; for logs, and for tests.
int explain_lines(bool json) {
  int status = 0;
  for (std::string line; std::getline(std::cin, line);) {
    const auto told = advice::explain(line);
    if (told.empty()) status = exit_code(Kind::usage);
    const std::string words = told.empty() ? "nothing is known of that message\n" : advice::describe(told);
    (void)print(json ? to_json(told) + "\n" : "> " + text::printable(line, 4 * line.size()) + "\n" + words);
  }
  return status;
}

int explain_message(const std::string& message, bool json) {
  const auto told = advice::explain(message);
  if (told.empty()) return complain({Kind::usage, text::quoted(message) + ": nothing is known of that message"});
  return print(json ? to_json(told) + "\n" : advice::describe(told));
}

}  // namespace

void add_explain(CLI::App& app, int& status) {
  struct Options {
    std::vector<std::string> words;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  auto* verb = app.add_subcommand("explain", "what an error of ours means, and what to do");
  verb->add_option("MESSAGE", options->words,
                   "a line of ours (quotes are not needed), or an errno: EROFS, 30; - reads lines from standard input")
      ->required();
  verb->add_flag("--json", options->json, "as JSON; with -, a line of it for each line");
  verb->footer(
      "Examples:\n"
      "  xc-inject explain EROFS\n"
      "  journalctl -t xc-hook -o cat | xc-inject explain -\n"
      "  xc-inject explain 'xc-hook: dialer: /run/x.sock: making the directory: Permission denied'");
  verb->callback([options, &status] {
    if (options->words == std::vector<std::string>{"-"}) {
      status = explain_lines(options->json);
      return;
    }
    status = explain_message(text::join(options->words, " "), options->json);
  });
}

}  // namespace xc::verbs
