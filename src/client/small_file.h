// Writes a small file whole under its name.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "client/local_file.h"
#include "sluice/error.h"

namespace sluice::client {

// Makes `name` in the folder with this content, time and mode, in one step: it is never seen
// without its content. Without `replace` a name that is taken is `exists`. Not synced. Blocks.
//
// The file has no name while it is written (O_TMPFILE), so that a crash leaves nothing behind; that
// also costs less than a second name and a rename. Where the volume cannot do that, or something is
// replaced, it has the partial's name meanwhile.
[[nodiscard]] result<void> write_small(int folder_fd, const std::string& name,
                                       std::span<const std::byte> content, const file_facts& facts,
                                       bool replace);

}  // namespace sluice::client
