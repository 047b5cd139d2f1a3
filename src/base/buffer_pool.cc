#include "base/buffer_pool.h"

#include <sys/mman.h>

#include <map>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

namespace sluice::base {

namespace detail {

struct buffer_pool_core : std::enable_shared_from_this<buffer_pool_core> {
  buffer_pool_core(std::size_t buffers, std::size_t waiters)
      : capacity(buffers == 0 ? 1 : buffers), waiters_max(waiters) {
    // Anonymous memory is page-aligned and costs nothing until it is touched.
    void* memory = ::mmap(nullptr, capacity * block_bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    base = static_cast<std::byte*>(memory);
    idle.reserve(capacity);
    for (std::size_t i = capacity; i-- > 0;) idle.push_back(base + i * block_bytes);
  }
  ~buffer_pool_core() { ::munmap(base, capacity * block_bytes); }
  buffer_pool_core(const buffer_pool_core&) = delete;
  buffer_pool_core& operator=(const buffer_pool_core&) = delete;

  pooled_buffer lend(std::byte* data) { return {shared_from_this(), data}; }

  // The longest waiter has it, or it becomes idle. Callbacks run without the lock, and in a loop of
  // one thread at a time: a callback that returns its buffer at once only adds to that loop's work,
  // so a long queue of such waiters takes no stack.
  void take_back(std::byte* data) {
    std::unique_lock lock(mutex);
    idle.push_back(data);
    if (handing_over) return;
    handing_over = true;
    while (!idle.empty() && !waiting.empty()) {
      auto first = waiting.extract(waiting.begin());
      pooled_buffer buffer = lend(take_idle());
      lock.unlock();
      first.mapped()(std::move(buffer));
      first = {};
      lock.lock();
    }
    handing_over = false;
  }

  std::byte* take_idle() {
    std::byte* data = idle.back();
    idle.pop_back();
    return data;
  }

  const std::size_t capacity;
  const std::size_t waiters_max;
  std::byte* base = nullptr;
  mutable std::mutex mutex;
  std::vector<std::byte*> idle;                                  // the last one is lent first
  std::map<buffer_pool::ticket, buffer_pool::callback> waiting;  // in order of arrival
  buffer_pool::ticket next_ticket = 1;
  bool handing_over = false;  // a thread is in the loop of `take_back`
};

}  // namespace detail

pooled_buffer::pooled_buffer(std::shared_ptr<detail::buffer_pool_core> core,
                             std::byte* data) noexcept
    : core_(std::move(core)), data_(data) {}

pooled_buffer::pooled_buffer(pooled_buffer&& other) noexcept
    : core_(std::move(other.core_)), data_(std::exchange(other.data_, nullptr)) {}

pooled_buffer& pooled_buffer::operator=(pooled_buffer&& other) noexcept {
  if (this == &other) return *this;
  give_back();
  core_ = std::move(other.core_);
  data_ = std::exchange(other.data_, nullptr);
  return *this;
}

void pooled_buffer::give_back() noexcept {
  if (data_ == nullptr) return;
  // Out of this object first: the callback may destroy or reuse it.
  const auto core = std::move(core_);
  core->take_back(std::exchange(data_, nullptr));
}

buffer_pool::buffer_pool(std::size_t buffers, std::size_t waiters_max)
    : core_(std::make_shared<detail::buffer_pool_core>(buffers, waiters_max)) {}

// Waiters of a pool that goes are dropped uncalled: what they captured may refer back to the pool.
buffer_pool::~buffer_pool() {
  std::map<ticket, callback> dropped;
  const std::lock_guard lock(core_->mutex);
  dropped.swap(core_->waiting);
}

std::optional<pooled_buffer> buffer_pool::try_acquire() {
  const std::lock_guard lock(core_->mutex);
  if (core_->idle.empty() || !core_->waiting.empty()) return std::nullopt;
  return core_->lend(core_->take_idle());
}

std::optional<buffer_pool::ticket> buffer_pool::acquire(callback ready) {
  std::unique_lock lock(core_->mutex);
  const ticket mine = core_->next_ticket++;
  if (core_->idle.empty() || !core_->waiting.empty()) {
    if (core_->waiting.size() >= core_->waiters_max) return std::nullopt;
    core_->waiting.emplace(mine, std::move(ready));
    return mine;
  }
  pooled_buffer buffer = core_->lend(core_->take_idle());
  lock.unlock();
  ready(std::move(buffer));
  return mine;
}

bool buffer_pool::cancel(ticket waiter) {
  decltype(core_->waiting)::node_type dropped;  // destroyed after the lock is gone
  const std::lock_guard lock(core_->mutex);
  dropped = core_->waiting.extract(waiter);
  return !dropped.empty();
}

std::size_t buffer_pool::capacity() const noexcept { return core_->capacity; }

std::size_t buffer_pool::on_loan() const {
  const std::lock_guard lock(core_->mutex);
  return core_->capacity - core_->idle.size();
}

}  // namespace sluice::base
