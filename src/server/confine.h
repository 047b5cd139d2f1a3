// What the server's process gives up, so that a bug in it reaches less.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sluice/error.h"

namespace sluice::server {

// No core file, and nobody without all rights attaches: there are secrets in this memory.
void forbid_core_files();

// What the process may still open from then on.
struct confinement {
  std::vector<std::filesystem::path> written{};  // folders, with all below them
  std::vector<std::filesystem::path> read{};     // files and folders
};

// Landlock (docs.kernel.org/userspace-api/landlock): for the calling thread and all that it starts
// later, so before there are any. What is not there is left out. The result says why it is not in
// force, for the operator: unsupported, the kernel has none or is too old (before 5.19); io.
[[nodiscard]] result<void> confine_files(const confinement& to);

struct options;
// To what is served, the server's own state, and its certificate; where that cannot be, the log
// says so. Makes the data folder, where it is elsewhere and missing.
void confine(const options& settings);

}  // namespace sluice::server
