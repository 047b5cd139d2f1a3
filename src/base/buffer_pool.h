// The memory that content passes through: a fixed number of buffers of one block each, so that
// memory follows what is being moved and never what was announced.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "base/limits.h"

namespace sluice::base {

namespace detail {
struct buffer_pool_core;
}

// One buffer of `block_bytes`, aligned to a page, on loan from its pool; the destructor returns it.
// Move-only, one thread at a time; it may be returned on another thread than it was taken on, and
// may outlive the pool object. Its bytes are what the last borrower left.
class pooled_buffer {
 public:
  pooled_buffer() = default;
  ~pooled_buffer() { give_back(); }
  pooled_buffer(pooled_buffer&& other) noexcept;
  pooled_buffer& operator=(pooled_buffer&& other) noexcept;

  [[nodiscard]] std::span<std::byte, block_bytes> bytes() const noexcept {
    return std::span<std::byte, block_bytes>(data_, block_bytes);
  }
  [[nodiscard]] std::byte* data() const noexcept { return data_; }
  [[nodiscard]] explicit operator bool() const noexcept { return data_ != nullptr; }

  // Returns the buffer early. The longest waiter's callback may run inside this call.
  void give_back() noexcept;

 private:
  friend class buffer_pool;
  friend struct detail::buffer_pool_core;
  pooled_buffer(std::shared_ptr<detail::buffer_pool_core> core, std::byte* data) noexcept;

  std::shared_ptr<detail::buffer_pool_core> core_;
  std::byte* data_ = nullptr;
};

// Thread-safe. Address space for all buffers is reserved at once; a page is first touched when a
// borrower writes it and is kept from then on. The buffer returned last is lent first, so that a
// quiet server keeps a small working set.
class buffer_pool {
 public:
  using callback = std::move_only_function<void(pooled_buffer)>;
  using ticket = std::uint64_t;

  // At most `buffers` on loan (at least 1) and at most `waiters_max` waiting. Throws
  // std::bad_alloc.
  explicit buffer_pool(std::size_t buffers, std::size_t waiters_max = 65'536);
  ~buffer_pool();
  buffer_pool(const buffer_pool&) = delete;
  buffer_pool& operator=(const buffer_pool&) = delete;

  // A buffer, or nullopt when all are on loan or others wait for one already.
  [[nodiscard]] std::optional<pooled_buffer> try_acquire();

  // Calls `ready` once with a buffer: inside this call when one is free, otherwise on the thread
  // that returns one, in the order of the calls. `ready` must be short and must not throw; it
  // usually posts to its own executor. nullopt, and `ready` never called, when too many wait.
  [[nodiscard]] std::optional<ticket> acquire(callback ready);

  // True: the callback is destroyed without a call. False: it was called already, or is being
  // called.
  bool cancel(ticket waiter);

  [[nodiscard]] std::size_t capacity() const noexcept;
  [[nodiscard]] std::size_t on_loan() const;

 private:
  std::shared_ptr<detail::buffer_pool_core> core_;
};

}  // namespace sluice::base
