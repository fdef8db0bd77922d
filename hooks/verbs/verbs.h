// The verbs of xc-inject, a file for each or for a few: options in, one call of lib/app, its answer printed. No verb
// decides anything, and none knows another.
#pragma once

#include <string>

#include "base/result.h"

namespace CLI {
class App;
}

namespace xc::verbs {

/// Says the error on standard error; its exit status.
[[nodiscard]] int complain(const Error& error);
/// Prints `text`; a reader that has gone away is no error worth a word. The exit status.
int print(const std::string& text);
/// Columns of the terminal; text::any_width when it is none.
[[nodiscard]] std::size_t columns(int descriptor);
/// Is the descriptor a terminal whose user did not say NO_COLOR?
[[nodiscard]] bool colours(int descriptor);

// Each adds its subcommands to the tree. `status` is what the program ends with; it outlives the tree.
void add_check(CLI::App& app, int& status);
void add_plan(CLI::App& app, int& status);
void add_status(CLI::App& app, int& status);
void add_doctor(CLI::App& app, int& status);
void add_explain(CLI::App& app, int& status);
void add_change(CLI::App& app, int& status);
void add_top(CLI::App& app, int& status);
void add_trace(CLI::App& app, int& status);
void add_mediate(CLI::App& app, int& status);
void add_graph(CLI::App& app, int& status);
void add_render(CLI::App& app, int& status);
void add_hooks(CLI::App& app, int& status);
void add_exec(CLI::App& app, int& status);
void add_cdi(CLI::App& app, int& status);
void add_completion(CLI::App& app, int& status);
void add_man(CLI::App& app, int& status);

/// How many of the words are the verb's own: those behind "--" of `exec` are another program's.
[[nodiscard]] int count_own(int argc, char** argv);

/// All of them, in the order of --help.
void add_all(CLI::App& app, int& status);

}  // namespace xc::verbs
