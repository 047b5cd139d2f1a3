// What every connection of HTTP works with.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "base/buffer_pool.h"
#include "net/on_pool.h"
#include "transfer/downloads.h"
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
  std::size_t head_bytes = 32 * 1024;
  std::size_t fields = 100;
  std::uint64_t requests = 10'000;  // of one connection
  std::size_t unread_bytes =
      256 * 1024;  // of a body that nobody wants, before the connection closes
};

// Owned by the server; outlives all connections and the work they left on `pool`. Shared by all
// threads.
struct service {
  transfer::uploads& uploads;
  transfer::small_files& small_files;
  transfer::downloads& downloads;
  transfer::tree& tree;
  net::blocking_pool& pool;
  base::buffer_pool& buffers;
  connection_limits limits;
  std::string agent;
  std::vector<std::string> hosts;  // names that Host may have besides localhost and addresses
  // Set once, when the server begins to stop: the running exchange of a connection is its last.
  std::atomic<bool> draining = false;
  // Set when the time for that is over: connections end now.
  std::atomic<bool> closing = false;
};

}  // namespace sluice::http
