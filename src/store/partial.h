// A file that is being received: it lives in the private partials folder until it is published.
#pragma once

#include <array>
#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sluice/error.h"
#include "store/entry.h"
#include "store/open_file.h"

namespace sluice::store {

// What O_DIRECT asks of offsets, sizes and addresses on every volume that we met.
inline constexpr std::size_t direct_alignment_bytes = 4096;

// 128 random bits, chosen by the caller. Its text is 32 lower-case hexadecimal digits.
struct partial_id {
  std::array<std::byte, 16> bytes{};

  [[nodiscard]] std::string text() const;
  [[nodiscard]] static std::optional<partial_id> parse(std::string_view text) noexcept;

  friend auto operator<=>(const partial_id&, const partial_id&) = default;
};

struct partial_info {
  partial_id id{};
  std::uint64_t size_bytes = 0;       // the end of what was written; never means "data present"
  std::uint64_t allocated_bytes = 0;  // what it takes on the volume
  std::int64_t mtime_ns = 0;
};

// Made by `folder_store::create_partial` and `open_partial`. Shared; any thread; several may write
// different ranges at the same time. One open `partial` per id is the caller's duty.
//
// After a failed sync it is poisoned: what the kernel still holds may be lost and a second sync
// could "succeed", so every later call fails with `io`. Drop it, open it again, and trust only what
// was recorded as durable before.
class partial {
 public:
  ~partial();

  [[nodiscard]] const partial_id& id() const noexcept { return id_; }

  // Kept by the published file: a replayed publish knows its own content by it.
  [[nodiscard]] const identity& file_identity() const noexcept { return identity_; }

  // Writes all of `bytes` at `offset`. Received, not durable. Fastest where offset, size and
  // address are multiples of `direct_alignment_bytes` (a whole block in a buffer of the pool is).
  //   no_space, io; conflict: it is finished; invalid_argument: past 2^63-1
  [[nodiscard]] result<void> write(std::uint64_t offset, std::span<const std::byte> bytes);

  // Fills `out` from `offset`; fewer bytes only at the end of the file.
  [[nodiscard]] result<std::size_t> read(std::uint64_t offset, std::span<std::byte> out) const;

  // Has the kernel begin to write the range to the disk, so that a later sync is short. Makes
  // nothing durable, and its failures are a later sync's to tell.
  void start_writeback(std::uint64_t offset, std::uint64_t count) noexcept;

  // On success all that was written before the call is on stable storage (fdatasync).
  [[nodiscard]] result<void> sync();

  // Cuts the file to its final length, gives it its mode and time, and makes all of it durable
  // (fsync). Writes are refused from here on. May be called again, also after a restart.
  [[nodiscard]] result<void> finish(const final_form& form);

  [[nodiscard]] bool is_poisoned() const noexcept { return poisoned_; }

  // Closes the descriptor and tells a failure, which the destructor only logs. No other call may be
  // running; later calls fail.
  [[nodiscard]] result<void> close();

 private:
  friend class folder_store;
  partial(std::shared_ptr<volume> home, open_file file, open_file direct, const partial_id& id,
          const identity& file_identity);

  [[nodiscard]] result<void> check_sound() const;
  [[nodiscard]] result<void> judge(int answer);  // of a sync: a failure poisons
  [[nodiscard]] std::string shown() const;

  std::shared_ptr<volume> home_;
  open_file file_;
  // The same file with O_DIRECT, where the volume can: whole blocks go past the page cache, which
  // costs less than half of the processor and leaves a sync nothing but metadata
  // (bench/store_bench, bench/transfer).
  open_file direct_;
  const partial_id id_;
  const identity identity_;
  std::mutex
      syncing_;  // one at a time: a sync that fails is reported once, and must poison the rest
  std::atomic<bool> refuses_writes_ = false;  // finishing began
  std::atomic<bool> finished_ = false;        // and is durable
  std::atomic<bool> poisoned_ = false;
};

}  // namespace sluice::store
