// From a command line to the command that runs.
#pragma once

#include <CLI/App.hpp>
#include <map>
#include <memory>
#include <span>
#include <string>

#include "cli/command.h"

namespace sluice::cli {

// The parser of the whole program. `--help`, the manual pages and the completions are made from it.
class program {
 public:
  explicit program(std::span<const command> commands);

  // Reads the command line and runs the command; returns the exit code. Usage errors are told on
  // standard error and are exit code 2.
  [[nodiscard]] int run(int argc, char** argv);

  [[nodiscard]] const CLI::App& parser() const noexcept { return app_; }

 private:
  void add(const command& added);
  [[nodiscard]] int usage_error(const CLI::ParseError& why, int argc, char** argv) const;

  CLI::App app_;
  std::map<std::string, runner, std::less<>> runners_;
  std::string manual_page_;  // --man
};

}  // namespace sluice::cli
