// Commands that do one of several things to accounts: "sluice user ACTION", "sluice token ACTION".
// One table has the actions of a command, so that --help, what the command line is held against,
// and what runs are the same.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/administration.h"
#include "cli/command.h"
#include "cli/printer.h"

namespace sluice::cli {

// What the flags of such a command begin with.
struct action_flags {
  std::string action;
  std::string subject;  // whom or what it is about
  administration_flags where;
  output_flags output;
};

template <class Flags>
struct action {
  std::string_view name;
  std::string_view subject;  // what has to be named; "": nothing may be
  // What the last line of --json tells of it.
  result<nlohmann::ordered_json> (*run)(printer& out, administration& in, const Flags& flags);
};

// "add, list or remove"
[[nodiscard]] std::string in_words(const std::vector<std::string>& names);

// ACTION, the argument behind it, and where the accounts are.
template <class Flags>
void add_action_flags(CLI::App& app, std::span<const action<Flags>> all, Flags& flags,
                      const std::string& argument, const std::string& what) {
  std::vector<std::string> names;
  for (const auto& one : all) names.emplace_back(one.name);
  app.add_option("ACTION", flags.action, in_words(names) + ".")->required()->check(one_of(names));
  app.add_option(argument, flags.subject, what);
  add_administration_flags(app, flags.where);
}

template <class Flags>
[[nodiscard]] int run_action(std::string_view command, std::span<const action<Flags>> all,
                             const Flags& flags) {
  printer out(flags.output);
  const auto& chosen = *std::ranges::find(all, flags.action, &action<Flags>::name);
  if (flags.subject.empty() != chosen.subject.empty()) {
    const auto needed = chosen.subject.empty() ? "no name" : chosen.subject;
    return out.failed(
        {errc::invalid_argument, fmt::format("{} {}: it needs {}", command, chosen.name, needed)});
  }
  const auto opened = administration::open(flags.where, out);
  if (!opened) return out.failed(opened.error(), "");
  auto done = chosen.run(out, **opened, flags);
  if (!done) return out.failed(done.error(), "");
  done->emplace("action", chosen.name);
  return out.done("", *done);
}

}  // namespace sluice::cli
