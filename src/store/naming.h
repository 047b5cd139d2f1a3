// How a name is taken: where it goes, and the one step that gives it. Internal to the room.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sluice/error.h"
#include "store/entry.h"
#include "store/open_file.h"
#include "store/path.h"
#include "store/volume.h"

namespace sluice::store {

// A name in an open folder, free or not.
struct name_place {
  open_file folder;
  std::string name;
};

// Opens the folder above `path`, making what is missing of it where asked.
[[nodiscard]] result<name_place> open_place(volume& home, const rel_path& path, bool make_parents,
                                            std::string_view verb);

// Makes a folder; errors as of folder_store::mkdir.
[[nodiscard]] result<void> make_folder(volume& home, const rel_path& path, bool parents,
                                       bool may_exist);

// What is to get another name.
struct named_file {
  int folder_fd = -1;
  const char* name = nullptr;
  identity id;
  // Doing again what was done is a success: the place holds this very file, because an earlier
  // attempt got that far, or was cut off between its two steps on a volume that needs two.
  bool may_be_done = false;
};

// Moves the file to its place in one atomic step, as the policy says. For a replacement the caller
// holds the place's lock.
//   exists, changed, not_found, not_allowed
[[nodiscard]] result<void> give_name(volume& home, const named_file& from, const name_place& to,
                                     const name_policy& policy, const std::string& what);

// Locks the place where the policy needs it.
[[nodiscard]] result<volume::name_lock> lock_place(volume& home, const name_place& place,
                                                   const name_policy& policy,
                                                   const std::string& what);

}  // namespace sluice::store
