// Sends one file or folder to one receiver, and is no server besides (docs/wire.md, section 9).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "net/direct_door.h"
#include "sluice/error.h"

namespace sluice::server {

struct offering_progress {
  std::string name;              // of what is sent
  bool has_receiver = false;     // somebody with the key is there
  std::uint64_t bytes_done = 0;  // of a file: how far the receiver is in it; else what was sent
  std::optional<std::uint64_t> bytes_total;  // of a file
};

struct offering_options {
  std::filesystem::path source;
  net::direct_options meeting;  // its role is set by the call
  std::stop_token stop;
  // Both on the calling thread. Progress is told ten times a second at most while bytes move.
  std::function<void(const offering_progress&)> on_progress{};
  std::function<void(std::string_view text)> on_notice{};
};

struct offering_outcome {
  bool is_folder = false;
  std::uint64_t bytes = 0;       // of the file
  std::uint64_t bytes_sent = 0;  // content, repeats included
};

// Blocks until a receiver said that it has all of it, verified and durable. Listening, it outlives
// receivers that go away or give up, and waits for the next one; calling, it calls a few times
// again when the connection is lost, and fails with what made the receiver give up. A folder of its
// own in the system's temporary one exists meanwhile.
//   not_found, not_allowed, not_a_file, invalid_argument: the source; those of direct_door;
//   cancelled: a stop
[[nodiscard]] result<offering_outcome> offer(const offering_options& options);

}  // namespace sluice::server
