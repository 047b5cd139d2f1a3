// What failed for single files of a tree, while the rest went on.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "client/meter.h"
#include "sluice/error.h"

namespace sluice::client {

// True where the failure is of this one file: the others can go on. False where all would fail: the
// connection, the space, a stop.
[[nodiscard]] bool is_of_one_file(const error& why) noexcept;

// Owned by the walk of the tree; I/O thread. Each failure is told at once, the first is kept.
class failures {
 public:
  explicit failures(meter& to) : meter_(to) {}

  void add(const error& why);
  void add(std::string_view path, const error& why);
  // Success, or the first failure with the number of all.
  [[nodiscard]] result<void> outcome() const;

 private:
  meter& meter_;
  std::optional<error> first_;
  std::uint64_t count_ = 0;
};

}  // namespace sluice::client
