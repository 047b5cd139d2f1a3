// What --help shows. The manual pages are made of the same parts.
#pragma once

#include <CLI/Formatter.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::cli {

// The parts of a command's text, as `describe` put them together.
struct command_text {
  std::string summary;
  std::vector<std::string> paragraphs;  // of one line each, not wrapped
};
[[nodiscard]] command_text text_of(const CLI::App& app);

// "sluice put [OPTIONS] FILE|DIR... URL"
[[nodiscard]] std::string usage_line(const CLI::App& app);

// False for a flag that stands alone.
[[nodiscard]] bool takes_value(const CLI::Option& option);

// "-j, --streams N"; for what stands without a flag, its name.
[[nodiscard]] std::string option_head(const CLI::Option& option);

// The description with the default and the environment variable behind it.
[[nodiscard]] std::string option_text(const CLI::Option& option);

// What a person should see of a command: positionals or flags, in the order of their declaration.
[[nodiscard]] std::vector<const CLI::Option*> shown_options(const CLI::App& app, bool positional);

// Environment, config file and exit codes.
extern const std::string_view program_footer;

class help_format : public CLI::Formatter {
 public:
  [[nodiscard]] std::string make_help(const CLI::App* app, std::string name,
                                      CLI::AppFormatMode mode) const override;
};

}  // namespace sluice::cli
