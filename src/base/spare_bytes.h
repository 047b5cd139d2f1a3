// Memory that is used again in place of being given back to the system, which hands it out page by
// page, zeroed: for what is gathered by the MiB, many times a second, that costs more than copying
// it.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace sluice::base {

// Keeps a few vectors with what they have of room. Thread-safe; what it lent may outlive it.
class spare_bytes {
 public:
  // At most `count_max` are kept, each with at most `bytes_max` of room: others are freed.
  spare_bytes(std::size_t count_max, std::size_t bytes_max);
  ~spare_bytes();
  spare_bytes(const spare_bytes&) = delete;
  spare_bytes& operator=(const spare_bytes&) = delete;

  // An empty vector, with the room of one that was lent before.
  [[nodiscard]] std::vector<std::byte> take();

  // The content for whoever reads it; behind the last of them its vector is kept.
  [[nodiscard]] std::shared_ptr<const std::vector<std::byte>> lend(std::vector<std::byte> content);

 private:
  class kept;
  std::shared_ptr<kept> kept_;
};

}  // namespace sluice::base
