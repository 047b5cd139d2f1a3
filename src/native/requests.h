// The requests that are answered by one coroutine each: all but PUT and GET.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "native/session.h"

namespace sluice::native {

// The coroutine that answers the request in full, its final frame included. `body` is read before
// this returns. Errors: bad_frame for a body that is no message of the kind.
[[nodiscard]] result<awaitable<void>> make_request(std::shared_ptr<session> self,
                                                   const wire::frame_head& head,
                                                   std::span<const std::byte> body);

awaitable<void> answer_list(std::shared_ptr<session> self, std::uint32_t request, v1::List message);
awaitable<void> answer_stat(std::shared_ptr<session> self, std::uint32_t request, v1::Stat message);
awaitable<void> answer_digests(std::shared_ptr<session> self, std::uint32_t request,
                               v1::Digests message);
awaitable<void> answer_received(std::shared_ptr<session> self, std::uint32_t request,
                                v1::Received message);
awaitable<void> answer_make_folder(std::shared_ptr<session> self, std::uint32_t request,
                                   v1::MakeFolder message);
awaitable<void> answer_rename(std::shared_ptr<session> self, std::uint32_t request,
                              v1::Rename message);
awaitable<void> answer_remove(std::shared_ptr<session> self, std::uint32_t request,
                              v1::Remove message);
awaitable<void> answer_scrub(std::shared_ptr<session> self, std::uint32_t request,
                             v1::Scrub message);

}  // namespace sluice::native
