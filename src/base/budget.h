// What somebody may take in all, or at the same time: bytes and files given, uploads open,
// connections, and bytes a second.
//
// One object for each account and link, shared by all that is done for it. That of a link stands
// below its account's: what is taken of the one is taken of both. Any thread; nothing here blocks
// on more than a short lock.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "base/rate.h"
#include "sluice/error.h"

namespace sluice::base {

// 0: no limit.
struct budget_limits {
  std::uint64_t bytes = 0;  // given, in all
  std::uint64_t files = 0;  // the same; folders count
  std::uint64_t uploads = 0;
  std::uint64_t connections = 0;
  std::uint64_t rate_bytes = 0;  // a second, either way
  friend bool operator==(const budget_limits&, const budget_limits&) = default;
};

struct budget_use {
  std::uint64_t bytes = 0;
  std::uint64_t files = 0;
  std::uint64_t uploads = 0;
  std::uint64_t connections = 0;
};

class budget {
 public:
  using clock = rate::clock;

  // `whose`: for errors, "anna". `above` may be null.
  budget(std::string whose, std::shared_ptr<budget> above)
      : whose_(std::move(whose)), above_(std::move(above)) {}

  // From now on; what is open stays open. `used` of bytes and files in place of what was.
  void set(const budget_limits& limits);
  void set_used(std::uint64_t bytes, std::uint64_t files);
  [[nodiscard]] budget_limits limits() const;
  [[nodiscard]] budget_use use() const;
  // Bytes or files are limited, here or above: what is given has to be counted durably.
  [[nodiscard]] bool is_counted() const;

  // All of it or nothing. no_space: bytes or files; busy: uploads or connections.
  [[nodiscard]] result<void> take(const budget_use& wanted);
  // What is there already, whatever the limits say.
  void take_anyway(const budget_use& there);
  void give_back(const budget_use& some);

  [[nodiscard]] bool has_rate() const;
  // How long to wait before going on behind `bytes`; 0 without a limit.
  [[nodiscard]] std::chrono::nanoseconds pass(std::uint64_t bytes, clock::time_point now);

 private:
  [[nodiscard]] result<void> take_here(const budget_use& wanted);
  void give_back_here(const budget_use& some);

  const std::string whose_;
  const std::shared_ptr<budget> above_;
  mutable std::mutex mutex_;
  budget_limits limits_;
  budget_use taken_;
  rate rate_;
};
using budget_ptr = std::shared_ptr<budget>;

// A connection or a request, as long as it exists.
class budget_place {
 public:
  budget_place() = default;
  // busy
  [[nodiscard]] static result<budget_place> take(budget_ptr of);
  ~budget_place() { leave(); }
  budget_place(budget_place&& other) noexcept : of_(std::move(other.of_)) {}
  budget_place& operator=(budget_place&& other) noexcept;

 private:
  explicit budget_place(budget_ptr of) : of_(std::move(of)) {}
  void leave() noexcept;

  budget_ptr of_;
};

}  // namespace sluice::base
