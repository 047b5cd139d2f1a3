// What every connection of HTTP works with.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <semaphore>
#include <string>
#include <vector>

#include "access/gate.h"
#include "base/buffer_pool.h"
#include "net/on_pool.h"
#include "net/visitors.h"
#include "talk/conversations.h"
#include "transfer/downloads.h"
#include "transfer/events.h"
#include "transfer/posters.h"
#include "transfer/small_files.h"
#include "transfer/tree.h"
#include "transfer/uploads.h"

namespace sluice::http {

// docs/api.md, "Limits".
struct connection_limits {
  std::chrono::milliseconds head{
      10'000};  // from the first byte of a request to the end of its head
  std::chrono::milliseconds idle{60'000};   // between two requests
  std::chrono::milliseconds stall{30'000};  // without the least progress of a body, either way
  std::size_t rate_bytes = 500;             // a second: the least progress of a body
  std::size_t head_bytes = std::size_t{32} << 10;
  std::size_t fields = 100;
  std::uint64_t requests = 10'000;  // of one connection
  // Of a body that nobody wants, before the connection closes.
  std::size_t unread_bytes = std::size_t{256} << 10;
};

// What happened since the server began, for /metrics. Any thread.
struct counters {
  std::atomic<std::uint64_t> connections_open = 0;
  std::atomic<std::uint64_t> connections_parked = 0;  // of those
  std::atomic<std::uint64_t> connections = 0;
  std::atomic<std::uint64_t> received_bytes = 0;  // by connections that ended
  std::atomic<std::uint64_t> sent_bytes = 0;
  std::array<std::atomic<std::uint64_t>, 600> responses{};  // by their status
};

// Work that takes memory for as long as its peer likes, and how much of it there may be.
class places {
 public:
  explicit places(std::ptrdiff_t count) : free_(std::make_shared<semaphore>(count)) {}

  // Held by who does the work; none where all are taken.
  using place = std::shared_ptr<void>;
  [[nodiscard]] place try_take() {
    if (!free_->try_acquire()) return {};
    return {free_.get(), [free = free_](void*) { free->release(); }};
  }

 private:
  using semaphore = std::counting_semaphore<>;
  std::shared_ptr<semaphore> free_;
};

enum class surface : std::uint8_t {
  open,   // what clients see
  admin,  // health and metrics, on an address of its own
};

// Owned by the server; outlives all connections and the work they left on `pool`. Shared by all
// threads.
struct service {
  transfer::uploads& uploads;
  transfer::small_files& small_files;
  transfer::downloads& downloads;
  transfer::posters& posters;
  transfer::tree& tree;
  transfer::events& events;
  talk::conversations& talk;
  access::gate& gate;
  net::blocking_pool& pool;
  base::buffer_pool& buffers;
  net::visitors& visitors;
  connection_limits limits;
  std::string agent;
  std::vector<std::string> hosts;  // names that Host may have besides localhost and addresses
  surface shows = surface::open;
  const counters* observed = nullptr;  // what /metrics tells, on the admin surface
  counters counts{};
  places archives{16};    // each takes about 1 MiB
  places digests{4};      // each takes 1 MiB, and all of the disk
  places followers{256};  // each hears all that happens, and has up to 1,024 of it waiting
  // Set once, when the server begins to stop: the running exchange of a connection is its last.
  std::atomic<bool> draining = false;
  // Set when the time for that is over: connections end now.
  std::atomic<bool> closing = false;
};

}  // namespace sluice::http
