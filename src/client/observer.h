// How the engine tells what it is doing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::client {

enum class phase : std::uint8_t { connecting, comparing, sending, receiving, syncing, verifying };

[[nodiscard]] std::string_view to_string(phase value) noexcept;

// A snapshot of the whole call. Totals are absent while they are not known yet.
struct progress {
  phase now = phase::connecting;
  std::string path;  // the file at work, or the newest of several
  std::uint64_t bytes_done = 0;
  std::optional<std::uint64_t> bytes_total;
  std::uint64_t files_done = 0;
  std::optional<std::uint64_t> files_total;
};

// Owned by the caller, which keeps it alive for the whole call. Called by one thread at a time, not
// always the same one; it must return quickly and must not throw.
class observer {
 public:
  observer() = default;
  observer(const observer&) = delete;
  observer& operator=(const observer&) = delete;
  virtual ~observer() = default;

  // At every change of phase, and at most ten times a second while bytes move.
  virtual void on_progress(const progress& snapshot) = 0;
  // A thing that a person should know and that is no failure: "skipped a symbolic link: ...".
  virtual void on_notice(std::string_view text) = 0;
};

}  // namespace sluice::client
