// What a shell needs to complete the program's words, made from the same table as --help.
#pragma once

#include <CLI/App.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::cli {

// The script for "bash", "zsh" or "fish"; nullopt for another shell.
[[nodiscard]] std::optional<std::string> completion_script(const CLI::App& root,
                                                           std::string_view shell);

}  // namespace sluice::cli
