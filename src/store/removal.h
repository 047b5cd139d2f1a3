// Removing what is in an open folder. Internal to the room.
#pragma once

#include <string>

#include "sluice/error.h"
#include "store/entry.h"
#include "store/volume.h"

namespace sluice::store {

// A file, or an empty folder.
[[nodiscard]] result<void> remove_one(volume& home, int folder_fd, const std::string& name,
                                      entry_kind kind, const std::string& what);

// A folder with all that is in it. Every step is relative to a descriptor that was opened without
// following a link; a link is removed itself. Mounted volumes are not entered. Holds one descriptor
// and one read buffer for each level, at most `path_parts_max` levels.
//   not_empty: others go on adding to it; invalid_argument: too deep
[[nodiscard]] result<void> remove_tree(volume& home, int folder_fd, const std::string& name,
                                       const std::string& what);

}  // namespace sluice::store
