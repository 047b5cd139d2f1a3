#include "cli/program.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "cli/config_file.h"
#include "cli/exit_code.h"
#include "cli/help.h"
#include "cli/manual.h"

namespace sluice::cli {

namespace {

// Letters to add, drop or change from one word to the other (Levenshtein).
std::size_t distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  for (std::size_t i = 0; i <= to.size(); ++i) row[i] = i;
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t changed = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string closest(std::string_view word, const std::vector<std::string>& known) {
  const auto best = std::ranges::min_element(
      known, {}, [word](const std::string& candidate) { return distance(word, candidate); });
  return best != known.end() && distance(word, *best) <= 2 ? *best : "";
}

std::vector<std::string> names_of(const std::vector<const CLI::App*>& commands) {
  std::vector<std::string> names;
  names.reserve(commands.size());
  for (const CLI::App* each : commands) names.push_back(each->get_name());
  return names;
}

std::vector<std::string> flags_of(const CLI::App& command) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) flags.push_back("--" + name);
  }
  return flags;
}

std::string did_you_mean(const std::string& word) {
  return word.empty() ? "" : "; did you mean \"" + word + "\"?";
}

// The first word of the command line that the parser cannot know, said with what is like it.
std::string unknown_word(const CLI::App& app, const CLI::App* command, int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string word = std::string(argv[i]).substr(0, std::string_view(argv[i]).find('='));
    if (word == "--") break;
    if (command == nullptr && !word.starts_with('-')) {
      return "unknown command \"" + word + "\"" +
             did_you_mean(closest(word, names_of(app.get_subcommands(nullptr))));
    }
    if (!word.starts_with("--")) continue;
    const CLI::App& owner = command == nullptr ? app : *command;
    if (owner.get_option_no_throw(word) || app.get_option_no_throw(word)) continue;
    return "unknown flag \"" + word + "\"" + did_you_mean(closest(word, flags_of(owner)));
  }
  return "";
}

}  // namespace

program::program(std::span<const command> commands)
    : app_("moves big files between machines; a byte that was acknowledged is never lost",
           "sluice") {
  app_.formatter(std::make_shared<help_format>());
  app_.set_help_flag("-h,--help", "Show this help and end.");
  app_.set_version_flag("--version", "sluice " SLUICE_VERSION, "Show the version and end.");
  app_.option_defaults()->always_capture_default(false);
  app_.require_subcommand(0, 1);
  app_.footer(std::string(program_footer));
  app_.add_option("--man", manual_page_)->group("")->configurable(false);
  for (const command& each : commands) add(each);
  const char* given = std::getenv("SLUICE_CONFIG");
  const bool is_given = given != nullptr && *given != '\0';
  app_.set_config("--config", is_given ? given : default_config_path(),
                  "Read flags from this file; without it, from sluice/config.toml in "
                  "$XDG_CONFIG_HOME or ~/.config, if it exists. [env: SLUICE_CONFIG]",
                  is_given)
      ->type_name("FILE");
  app_.config_formatter(std::make_shared<config_file>(app_));
}

void program::add(const command& added) {
  CLI::App* parser = app_.add_subcommand(std::string(added.name), std::string(added.summary));
  parser->fallthrough();
  runners_.emplace(added.name, added.declare(*parser));
  // Only the command that runs reads the environment: a variable that means nothing to another one
  // must not be able to stop it.
  parser->preparse_callback([parser](std::size_t) {
    for (CLI::Option* option : parser->get_options()) {
      if (option->nonpositional()) option->envname(environment_name(*option));
    }
  });
}

int program::run(int argc, char** argv) {
  try {
    app_.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    return app_.exit(asked);  // --help, --version
  } catch (const CLI::ParseError& why) {
    return usage_error(why, argc, argv);
  }
  if (!manual_page_.empty()) return print_manual(app_, manual_page_);
  if (app_.get_subcommands().empty()) {
    std::fputs(app_.help().c_str(), stderr);
    return exit_usage;
  }
  return runners_.at(app_.get_subcommands().front()->get_name())();
}

int program::usage_error(const CLI::ParseError& why, int argc, char** argv) const {
  const auto chosen = app_.get_subcommands();
  const CLI::App* command = chosen.empty() ? nullptr : chosen.front();
  std::string message = unknown_word(app_, command, argc, argv);
  if (message.empty()) message = why.what();
  const std::string full = command == nullptr ? "sluice" : "sluice " + command->get_name();
  std::fprintf(stderr, "sluice: error: %s\nsluice: hint: \"%s --help\" tells what is possible\n",
               base::escape_unsafe(message).c_str(), full.c_str());
  return exit_usage;
}

}  // namespace sluice::cli
