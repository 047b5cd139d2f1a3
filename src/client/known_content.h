// What is known of a file that was not fetched as a whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace sluice::client {

struct known_content {
  std::uint64_t size_bytes = 0;
  std::map<std::uint64_t, std::vector<std::byte>> blocks{};  // whole ones, by their numbers
};

}  // namespace sluice::client
