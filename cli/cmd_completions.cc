#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "cli/command.h"
#include "cli/completions.h"
#include "cli/exit_code.h"

namespace sluice::cli {

runner declare_completions(CLI::App& app) {
  describe(app,
           "Prints a script that teaches a shell to complete the commands and flags of sluice.",
           {{"For this session of bash", "source <(sluice completions bash)"},
            {"For every session of fish",
             "sluice completions fish > ~/.config/fish/completions/sluice.fish"}});
  auto shell = std::make_shared<std::string>();
  app.add_option("SHELL", *shell, "The shell: bash, zsh or fish.")
      ->required()
      ->option_text("bash|zsh|fish")
      ->check(one_of({"bash", "zsh", "fish"}));
  return [shell, &app] {
    std::fputs(completion_script(*app.get_parent(), *shell)->c_str(), stdout);
    return std::fflush(stdout) == 0 ? exit_done : exit_failed;
  };
}

}  // namespace sluice::cli
