// Manual pages in roff, made from the same tables as --help.
#pragma once

#include <CLI/App.hpp>
#include <string>

namespace sluice::cli {

// The page of a command, or of the program itself for its root.
[[nodiscard]] std::string manual_page(const CLI::App& app);

// `--man COMMAND`, or `--man sluice`: prints the page; returns the exit code.
[[nodiscard]] int print_manual(const CLI::App& root, const std::string& name);

}  // namespace sluice::cli
