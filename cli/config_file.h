// The config file's place in the order: flag, environment, file, default.
#pragma once

#include <CLI/Config.hpp>
#include <istream>
#include <string>
#include <vector>

namespace sluice::cli {

// $XDG_CONFIG_HOME/sluice/config.toml, or that below ~/.config; empty where there is no home.
[[nodiscard]] std::string default_config_path();

// Reads TOML as CLI11 does, and gives it only what counts for the command that runs: the keys of
// its own section ("[put]"), then the keys above all sections that it has a flag for. What is set
// in the environment is left out, because CLI11 would let the file win. A key or a section that no
// command knows is an error. `app` is the whole program's parser and outlives this.
class config_file : public CLI::ConfigTOML {
 public:
  explicit config_file(const CLI::App& app) : app_(app) {}
  [[nodiscard]] std::vector<CLI::ConfigItem> from_config(std::istream& input) const override;

 private:
  const CLI::App& app_;
};

}  // namespace sluice::cli
