#include "cli/config_file.h"
#include "base/replace_file.h"

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "cli/command.h"

namespace sluice::cli {

namespace {

const CLI::Option* find_flag(const CLI::App& command, const std::string& key) {
  const CLI::Option* flag = command.get_option_no_throw("--" + key);
  return flag != nullptr && flag->get_configurable() ? flag : nullptr;
}

bool is_in_environment(const CLI::Option& flag) {
  const char* value = std::getenv(environment_name(flag).c_str());
  return value != nullptr && *value != '\0';
}

// True when the section, or for a key above all sections some command, knows the key.
bool is_known(const CLI::App& app, const CLI::ConfigItem& item) {
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    const bool named = item.parents.empty() || item.parents.front() == command->get_name();
    if (named && find_flag(*command, item.name) != nullptr) return true;
  }
  return false;
}

}  // namespace

std::string default_config_path() {
  const auto folder = base::config_folder();
  return folder.empty() ? "" : (folder / "config.toml").string();
}

std::vector<CLI::ConfigItem> config_file::from_config(std::istream& input) const {
  const auto running = app_.get_subcommands();
  std::vector<CLI::ConfigItem> of_section, of_all;
  for (CLI::ConfigItem& item : CLI::ConfigTOML::from_config(input)) {
    if (item.name == "++" || item.name == "--") continue;
    if (item.parents.size() > 1 || !is_known(app_, item)) {
      throw CLI::ConfigError("config file: no command knows the key " + item.fullname(),
                             CLI::ExitCodes::ConfigError);
    }
    if (running.empty()) continue;
    const CLI::App& command = *running.front();
    if (!item.parents.empty() && item.parents.front() != command.get_name()) continue;
    const CLI::Option* flag = find_flag(command, item.name);
    if (flag == nullptr || is_in_environment(*flag)) continue;
    auto& wanted = item.parents.empty() ? of_all : of_section;
    item.parents = {command.get_name()};
    wanted.push_back(std::move(item));
  }
  of_section.insert(of_section.end(), of_all.begin(), of_all.end());
  return of_section;
}

}  // namespace sluice::cli
