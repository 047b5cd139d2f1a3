#include "cli/help.h"

#include <CLI/CLI.hpp>
#include <sstream>

#include "cli/command.h"

namespace sluice::cli {

namespace {

constexpr std::size_t columns = 80;

std::string wrapped(std::string_view text, std::size_t indent) {
  std::istringstream words{std::string(text)};
  const std::string margin(indent, ' ');
  std::string out, line, word;
  while (words >> word) {
    if (!line.empty() && indent + line.size() + 1 + word.size() > columns) {
      out += margin + line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return line.empty() ? out : out + margin + line + "\n";
}

std::string indented(const std::string& text) {
  std::istringstream lines(text);
  std::string out, line;
  while (std::getline(lines, line)) out += "  " + line + "\n";
  return out;
}

std::string option_list(std::string_view title, const std::vector<const CLI::Option*>& options) {
  if (options.empty()) return "";
  std::string out = "\n" + std::string(title) + ":\n";
  for (const CLI::Option* option : options) {
    out += "  " + option_head(*option) + "\n" + wrapped(option_text(*option), 8);
  }
  return out;
}

std::string command_list(const CLI::App& app) {
  std::string out;
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    std::string name = command->get_name();
    name.resize(12, ' ');
    out += "  " + name + " " + text_of(*command).summary + "\n";
  }
  return out.empty() ? "" : "\nCommands:\n" + out;
}

}  // namespace

command_text text_of(const CLI::App& app) {
  std::istringstream lines(app.get_description());
  command_text text;
  std::getline(lines, text.summary);
  std::string paragraph, line;
  while (std::getline(lines, line)) {
    if (!line.empty()) paragraph += (paragraph.empty() ? "" : " ") + line;
    if (line.empty() && !paragraph.empty()) text.paragraphs.push_back(std::exchange(paragraph, ""));
  }
  if (!paragraph.empty()) text.paragraphs.push_back(paragraph);
  return text;
}

std::vector<const CLI::Option*> shown_options(const CLI::App& app, bool positional) {
  return app.get_options([positional](const CLI::Option* option) {
    return !option->get_group().empty() && option->get_positional() == positional;
  });
}

std::string usage_line(const CLI::App& app) {
  if (app.get_parent() == nullptr) return app.get_name() + " [OPTIONS] COMMAND ...";
  std::string line = app.get_parent()->get_name() + " " + app.get_name() + " [OPTIONS]";
  for (const CLI::Option* each : shown_options(app, true)) {
    line += each->get_required() ? " " + option_head(*each) : " [" + option_head(*each) + "]";
  }
  return line;
}

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

std::string option_head(const CLI::Option& option) {
  if (option.get_positional()) {
    if (!option.get_option_text().empty()) return option.get_option_text();
    const bool many = option.get_expected_max() >= CLI::detail::expected_max_vector_size;
    return option.get_name(true, false) + (many ? "..." : "");
  }
  std::string head;
  for (const std::string& name : option.get_snames()) head += (head.empty() ? "-" : ", -") + name;
  for (const std::string& name : option.get_lnames()) head += (head.empty() ? "--" : ", --") + name;
  if (takes_value(option)) head += " " + option.get_type_name();
  return head;
}

std::string option_text(const CLI::Option& option) {
  std::string text = option.get_description();
  // The default of --config is a path of this machine.
  const bool has_default = option.get_configurable() && !option.get_default_str().empty();
  if (has_default) text += " [default: " + option.get_default_str() + "]";
  const std::string variable = environment_name(option);
  if (!variable.empty()) text += " [env: " + variable + "]";
  return text;
}

std::string help_format::make_help(const CLI::App* app, std::string, CLI::AppFormatMode) const {
  const bool whole_program = app->get_parent() == nullptr;
  const command_text text = text_of(*app);
  std::string out = (whole_program ? "" : app->get_parent()->get_name() + " ") + app->get_name() +
                    " - " + text.summary + "\n\nUsage: " + usage_line(*app) + "\n";
  for (const std::string& paragraph : text.paragraphs) out += "\n" + wrapped(paragraph, 0);
  out += command_list(*app);
  out += option_list("Arguments", shown_options(*app, true));
  out += option_list("Options", shown_options(*app, false));
  if (!app->get_footer().empty()) {
    out += whole_program ? "\n" + app->get_footer() : "\nExamples:\n" + indented(app->get_footer());
  }
  if (!whole_program) {
    out += "\n\"sluice --help\" tells about the config file, the environment and exit codes.\n";
  }
  return out;
}

const std::string_view program_footer =
    R"(URLs are sluice://HOST[:PORT]/path; 8080 is the default port.

Every flag is also an environment variable, which --help names beside it, and
a key of the config file. A flag counts before the environment, the environment
before the file. A value that can be repeated is divided by commas in the
environment. In the file, keys above all sections are for every command that
has such a flag, those of a section for one command:

  timeout = 60
  [serve]
  listen = ["127.0.0.1:8080", "[::1]:8080"]

NO_COLOR in the environment turns colours off.

Exit codes:
  0  done
  1  failed
  2  usage error
  3  cannot connect
  4  not allowed
  5  not found
  6  exists already, or conflict
  7  verification failed
  8  no space or quota
  9  interrupted; run it again to resume
)";

}  // namespace sluice::cli
