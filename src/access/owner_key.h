// The first start of a server: somebody has to be let in, to let in the others.
#pragma once

#include <filesystem>
#include <optional>

#include "access/table.h"
#include "base/secret.h"
#include "sluice/error.h"

namespace sluice::access {

inline constexpr const char* owner_name = "owner";
inline constexpr const char* owner_key_file = "owner-key";

// Where there are no accounts yet: makes the account `owner`, which may do all, with a token, and
// keeps the token in the file `owner-key` (mode 0600) of the data folder. The token; none where
// there are accounts. Blocks.
//   io, no_space: the file cannot be written; nothing was made then
[[nodiscard]] result<std::optional<base::secret>> make_owner(table& accounts,
                                                             const std::filesystem::path& data);

}  // namespace sluice::access
