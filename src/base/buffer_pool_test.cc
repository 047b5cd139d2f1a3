#include "base/buffer_pool.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <latch>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::base {
namespace {

TEST(buffer_pool, lends_distinct_whole_pages_up_to_its_capacity) {
  buffer_pool pool(3);
  std::vector<pooled_buffer> taken;
  std::set<std::byte*> places;
  while (auto buffer = pool.try_acquire()) {
    const auto address = reinterpret_cast<std::uintptr_t>(buffer->data());
    EXPECT_EQ(address % static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE)), 0u);
    buffer->bytes().front() = std::byte{1};
    buffer->bytes().back() = std::byte{2};
    places.insert(buffer->data());
    taken.push_back(std::move(*buffer));
  }
  EXPECT_EQ(places.size(), 3u);
  EXPECT_EQ(pool.on_loan(), 3u);
  taken.clear();
  EXPECT_EQ(pool.on_loan(), 0u);
}

TEST(buffer_pool, lends_the_buffer_returned_last_first) {
  buffer_pool pool(8);
  auto one = pool.try_acquire();
  auto two = pool.try_acquire();
  std::byte* const recent = one->data();
  two->give_back();
  one->give_back();
  EXPECT_EQ(pool.try_acquire()->data(), recent);
}

TEST(buffer_pool, waiters_are_served_in_order_and_before_newcomers) {
  buffer_pool pool(1);
  auto held = pool.try_acquire();
  std::vector<int> served;
  pooled_buffer kept;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(pool.acquire([&, i](pooled_buffer buffer) {
      EXPECT_TRUE(buffer);
      EXPECT_FALSE(pool.try_acquire());
      served.push_back(i);
      if (i == 1) kept = std::move(buffer);
    }));
  }
  held->give_back();
  EXPECT_EQ(served, (std::vector{0, 1}));
  kept.give_back();
  EXPECT_EQ(served, (std::vector{0, 1, 2}));
  EXPECT_EQ(pool.on_loan(), 0u);
}

// A buffer that is back while others still wait is theirs.
TEST(buffer_pool, a_newcomer_never_overtakes) {
  buffer_pool pool(1);
  auto held = pool.try_acquire();
  std::vector<int> served;
  ASSERT_TRUE(pool.acquire([&](pooled_buffer buffer) {
    buffer.give_back();
    EXPECT_FALSE(pool.try_acquire());
    ASSERT_TRUE(pool.acquire([&](pooled_buffer) { served.push_back(3); }));
    served.push_back(1);
  }));
  ASSERT_TRUE(pool.acquire([&](pooled_buffer) { served.push_back(2); }));
  held->give_back();
  EXPECT_EQ(served, (std::vector{1, 2, 3}));
}

TEST(buffer_pool, a_free_buffer_comes_inside_the_call) {
  buffer_pool pool(1);
  bool came = false;
  ASSERT_TRUE(pool.acquire([&](pooled_buffer buffer) { came = static_cast<bool>(buffer); }));
  EXPECT_TRUE(came);
}

TEST(buffer_pool, refuses_waiters_past_the_limit) {
  buffer_pool pool(1, 2);
  auto held = pool.try_acquire();
  int served = 0;
  const auto count = [&](pooled_buffer) { ++served; };
  EXPECT_TRUE(pool.acquire(count));
  EXPECT_TRUE(pool.acquire(count));
  EXPECT_FALSE(pool.acquire(count));
  held->give_back();
  EXPECT_EQ(served, 2);
}

TEST(buffer_pool, a_cancelled_waiter_is_never_called) {
  buffer_pool pool(1);
  auto held = pool.try_acquire();
  std::vector<int> served;
  const auto first = pool.acquire([&](pooled_buffer) { served.push_back(1); });
  ASSERT_TRUE(pool.acquire([&](pooled_buffer) { served.push_back(2); }));
  EXPECT_TRUE(pool.cancel(*first));
  EXPECT_FALSE(pool.cancel(*first));
  held->give_back();
  EXPECT_EQ(served, std::vector{2});
}

// Each callback drops its buffer at once: served one inside the other, this would exhaust the
// stack.
TEST(buffer_pool, a_long_queue_takes_no_stack) {
  constexpr int waiters = 60'000;
  buffer_pool pool(1);
  auto held = pool.try_acquire();
  int served = 0;
  for (int i = 0; i < waiters; ++i) {
    ASSERT_TRUE(pool.acquire([&](pooled_buffer) {
      volatile char frame[1024];
      frame[0] = 1;
      served += frame[0];
    }));
  }
  held->give_back();
  EXPECT_EQ(served, waiters);
}

TEST(buffer_pool, a_buffer_outlives_its_pool_and_waiters_do_not) {
  auto pool = std::make_unique<buffer_pool>(1);
  auto held = pool->try_acquire();
  bool called = false;
  ASSERT_TRUE(pool->acquire([&](pooled_buffer) { called = true; }));
  pool.reset();
  held->bytes()[block_bytes - 1] = std::byte{9};
  held->give_back();
  EXPECT_FALSE(called);
}

TEST(buffer_pool, many_threads_share_few_buffers) {
  constexpr int threads = 8;
  constexpr int rounds = 2'000;
  buffer_pool pool(3);
  std::atomic<int> in_use = 0;
  std::atomic<int> most = 0;
  std::latch done(threads * rounds);
  const auto work = [&] {
    for (int i = 0; i < rounds; ++i) {
      const auto waiting = pool.acquire([&](pooled_buffer buffer) {
        const int now = ++in_use;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) continue;
        buffer.bytes()[0] = std::byte{1};
        --in_use;
        buffer.give_back();
        done.count_down();
      });
      ASSERT_TRUE(waiting);
    }
  };
  std::vector<std::jthread> running;
  for (int i = 0; i < threads; ++i) running.emplace_back(work);
  done.wait();
  EXPECT_LE(most, 3);
  running.clear();
  EXPECT_EQ(pool.on_loan(), 0u);
}

}  // namespace
}  // namespace sluice::base
