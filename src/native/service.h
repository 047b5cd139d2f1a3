// What every session of the native protocol works with.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "access/gate.h"
#include "base/buffer_pool.h"
#include "base/spare_bytes.h"
#include "net/on_pool.h"
#include "net/visitors.h"
#include "talk/conversations.h"
#include "transfer/downloads.h"
#include "transfer/scrub.h"
#include "transfer/small_files.h"
#include "transfer/tree.h"
#include "transfer/uploads.h"

namespace sluice::native {

// docs/wire.md, section 8.
struct session_limits {
  std::chrono::milliseconds handshake{10'000};  // preface and HELLO
  std::chrono::milliseconds idle{600'000};      // no open request, and nothing received
  std::chrono::milliseconds stall{30'000};  // a frame begun, or a reply not taken, without progress
  std::size_t max_requests = 1'024;         // open in one connection
};

// Where one thing is sent to one receiver, and nothing is served (docs/wire.md, section 9). Called
// on the session's thread; short.
struct offer {
  std::string path{};           // of it, as HELLO tells it
  base::caller_ptr receiver{};  // as whom everybody comes
  // Content that a session was given to send: where it begins in its file, and how much it is.
  std::function<void(std::uint64_t offset, std::uint64_t bytes)> on_sent{};
  // How it ended for the receiver: with all of it, or why not.
  std::function<void(const std::optional<error>& failed)> on_received{};
};

// Owned by the server; outlives all sessions and the work they left on `pool`. Shared by all
// threads.
struct service {
  transfer::uploads& uploads;
  transfer::small_files& small_files;
  transfer::downloads& downloads;
  transfer::tree& tree;
  transfer::scrubs& scrubs;
  talk::conversations& talk;
  access::gate& gate;
  net::blocking_pool& pool;
  base::buffer_pool& buffers;
  net::visitors& visitors;
  session_limits limits;
  std::string agent;
  const offer* offered = nullptr;
  // Room for the replies to small GETs, which are gathered by the MiB.
  base::spare_bytes reply_room{4, 2 * base::block_bytes};
  // Set once, when the server begins to stop: no new request is taken, and sessions end when they
  // have no open one.
  std::atomic<bool> draining = false;
  // Set when the time for that is over: sessions end now.
  std::atomic<bool> closing = false;
};

}  // namespace sluice::native
