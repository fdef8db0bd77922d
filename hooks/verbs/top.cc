// xc-inject top.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <memory>

#include "app/screen.h"
#include "app/top.h"
#include "base/json_out.h"
#include "verbs/verbs.h"

namespace xc::verbs {
namespace {

struct Options {
  std::string container;
  std::string state = "/run/xconnect";
  unsigned interval = 2;  ///< seconds
  std::string order = "name";
  bool json = false;
  bool once = false;
};

app::Order order_named(const std::string& name) {
  for (std::uint8_t i = 0; i < static_cast<std::uint8_t>(app::Order::count_); ++i)
    if (app::name_of(static_cast<app::Order>(i)) == name) return static_cast<app::Order>(i);
  return app::Order::name;
}

app::Order next(app::Order order) {
  const auto following = static_cast<std::uint8_t>(static_cast<std::uint8_t>(order) + 1);
  return following == static_cast<std::uint8_t>(app::Order::count_) ? app::Order::name
                                                                    : static_cast<app::Order>(following);
}

/// Looks anew every interval until q; s sorts otherwise, at once.
int redraw(const Options& options, const app::Screen& screen, app::Look before) {
  app::Order order = order_named(options.order);
  app::Look after = before;
  for (;;) {
    const auto draw = [&] {
      screen.show("sorted by " + std::string(app::name_of(order)) + "; s sorts otherwise, q ends\n\n" +
                  app::table_of(app::compare(before, after, order), columns(STDOUT_FILENO)));
    };
    draw();
    for (unsigned tenth = 0; tenth < options.interval * 10; ++tenth) {
      const auto key = screen.wait_for_key(100);
      if (key == 'q') return 0;
      if (key != 's') continue;
      order = next(order);
      draw();
    }
    auto seen = app::look(options.state, options.container);
    if (!seen) return complain(seen.error());
    before = std::exchange(after, std::move(*seen));
  }
}

/// One look after the other, each a table or a line of JSON; until the reader has left.
int print_all(const Options& options, app::Look before) {
  for (;;) {
    const timespec pause{static_cast<std::time_t>(options.interval), 0};
    (void)::nanosleep(&pause, nullptr);
    auto after = app::look(options.state, options.container);
    if (!after) return complain(after.error());
    const auto rows = app::compare(before, *after, order_named(options.order));
    (void)print(options.json ? to_json(rows) + "\n" : app::table_of(rows, columns(STDOUT_FILENO)));
    if (options.once || std::fflush(stdout) != 0) return 0;
    if (!options.json) (void)print("\n");
    before = std::move(*after);
  }
}

int run(const Options& options) {
  auto first = app::look(options.state, options.container);
  if (!first) return complain(first.error());
  if (options.once || options.json) return print_all(options, std::move(*first));
  const app::Screen screen;
  return screen.there() ? redraw(options, screen, std::move(*first)) : print_all(options, std::move(*first));
}

}  // namespace

void add_top(CLI::App& app, int& status) {
  auto options = std::make_shared<Options>();
  auto* verb = app.add_subcommand("top", "what links and containers do and cost: rates, latencies, processor, memory");
  verb->add_option("CONTAINER", options->container, "only this one, by name or by pid");
  verb->add_option("--interval", options->interval, "seconds from one look to the next")
      ->check(CLI::Range(1U, 3600U))
      ->capture_default_str();
  verb->add_option("--sort", options->order, "name, messages, bytes, processor or memory")
      ->check(CLI::IsMember({"name", "messages", "bytes", "processor", "memory"}))
      ->capture_default_str();
  verb->add_flag("--once", options->once, "one interval, then end");
  verb->add_flag("--json", options->json, "a line of JSON for each interval");
  verb->add_option("--state", options->state, "state directory")->capture_default_str();
  verb->footer(
      "Keys: s sorts by the next column, q ends. Where standard output is no terminal, tables follow each other.\n"
      "MSG/s are requests, calls or messages; of raw links nobody knows them. P50 and P99 are times of answers.\n\n"
      "Examples:\n"
      "  xc-inject top                       everything, redrawn every two seconds\n"
      "  xc-inject top dialer --once --json  one interval of one container, for a program");
  verb->callback([options, &status] { status = run(*options); });
}

}  // namespace xc::verbs
