// What is done at start about uploads that an earlier run left.
#pragma once

#include <functional>
#include <vector>

#include "catalog/uploads.h"
#include "sluice/error.h"
#include "transfer/options.h"

namespace sluice::transfer {

// After it, each row of an open upload has its partial, and each partial has its row:
//   - a partial without a row is removed (the crash came before its id was told to anyone);
//   - a row of an open upload without a partial is forgotten;
//   - an upload whose intent to publish was committed is published, or, where its name was taken
//     meanwhile, open again;
//   - the parts of what was joined and published are removed;
//   - what was idle for too long is thrown away.
// Gives the uploads that are open. Nothing else may use the store or the catalog yet.
[[nodiscard]] result<std::vector<catalog::upload_row>> recover_uploads(site& where);

// Removes open uploads that were idle for longer than `upload_expiry`, and forgets finished ones
// older than `finished_memory`; `is_used` keeps one. Gives the ids.
[[nodiscard]] result<std::vector<std::string>> expire_uploads(
    site& where, const std::function<bool(const std::string&)>& is_used);

}  // namespace sluice::transfer
