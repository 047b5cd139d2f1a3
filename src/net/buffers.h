// Buffers of the pool, for coroutines.
#pragma once

#include "base/buffer_pool.h"
#include "net/on_pool.h"
#include "sluice/error.h"

namespace sluice::net {

// The next free buffer, in the order of the calls. Nobody holds one while it waits for a peer, so
// the wait is as long as the disk makes it. busy: too many wait.
inline awaitable<result<base::pooled_buffer>> acquire(base::buffer_pool& pool) {
  if (auto free = pool.try_acquire()) co_return std::move(*free);
  using outcome = result<base::pooled_buffer>;
  auto start = [&pool](const auto& complete) {
    const auto ticket = pool.acquire(
        [complete](base::pooled_buffer buffer) mutable { complete(outcome(std::move(buffer))); });
    if (!ticket) complete(outcome(fail(errc::busy, "wait for a buffer")));
  };
  outcome buffer = co_await from_callback<outcome>(start);
  co_return buffer;
}

}  // namespace sluice::net
