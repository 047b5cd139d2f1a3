// What brings bytes into an upload one after the other, for a protocol that has no blocks of its
// own.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "sluice/error.h"
#include "transfer/upload.h"

namespace sluice::transfer {

// One thread at a time.
class byte_writer {
 public:
  byte_writer(std::shared_ptr<upload> home, std::uint64_t offset, upload::allowed by)
      : home_(std::move(home)), by_(std::move(by)), offset_(offset) {}
  virtual ~byte_writer() = default;
  byte_writer(const byte_writer&) = delete;
  byte_writer& operator=(const byte_writer&) = delete;

  [[nodiscard]] upload& home() const noexcept { return *home_; }
  // To finish the upload with.
  [[nodiscard]] const upload::allowed& by() const noexcept { return by_; }
  // Where the next byte goes.
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }

  // The next bytes, any number. Fastest where they are a whole block in a buffer of the pool.
  // Blocks on the disk. After a failure nothing more can be appended.
  //   invalid_argument: more than the upload has; conflict: a newer request took over, or the
  //   upload ended; not_allowed: the right to it was lost; no_space, io
  [[nodiscard]] virtual result<void> append(std::span<const std::byte> piece) = 0;

 protected:
  const std::shared_ptr<upload> home_;
  const upload::allowed by_;
  std::uint64_t offset_;
};

}  // namespace sluice::transfer
