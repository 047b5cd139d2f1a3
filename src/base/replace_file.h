// Small files that are read by others, or after a crash: they hold the old or the new content.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string_view>

#include "sluice/error.h"

namespace sluice::base {

// Writes `text` to the name with ".new" behind it, syncs that, gives it the name, and syncs the
// folder. A draft that is there already is overwritten and never gone in between. Who may come at
// the same time takes a lock before. Any thread; blocks. Errors name the draft.
[[nodiscard]] result<void> replace_file(const std::filesystem::path& file, std::string_view text,
                                        mode_t mode);
[[nodiscard]] std::filesystem::path draft_of(const std::filesystem::path& file);

// Makes the names in a folder durable.
[[nodiscard]] result<void> sync_folder(const std::filesystem::path& folder);

// Where a user's own settings are: $XDG_CONFIG_HOME/sluice, or ~/.config/sluice (XDG Base Directory
// Specification). Empty: no home is known.
[[nodiscard]] std::filesystem::path config_folder();

}  // namespace sluice::base
