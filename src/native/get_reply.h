// The reply to a GET.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "native/session.h"
#include "transfer/downloads.h"

namespace sluice::native {

// Appends all of the reply where the content is small enough to be read into memory: true. False:
// it is not, and nothing was appended; answer_get does it. Blocks on the disk. Errors: nothing was
// appended.
[[nodiscard]] result<bool> append_small_reply(std::vector<std::byte>& out, std::uint32_t request,
                                              const v1::Get& message, transfer::download& file);

// Content of any size, with sendfile; the final frame included.
awaitable<void> answer_get(std::shared_ptr<session> self, std::uint32_t request, v1::Get message);

}  // namespace sluice::native
