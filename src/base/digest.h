// The digest that guards content against corruption: XXH3-128 (Yann Collet, xxHash specification
// 0.1.1), seed 0, in its canonical form of 16 bytes, high half first, most significant byte first.
// ASC MHL manifests carry the same bytes. It finds corruption; it is no defence against a forger.
//
// The instruction set (SSE2, AVX2, AVX-512) is chosen at run time by libxxhash.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice::base {

struct digest128 {
  std::array<std::byte, 16> bytes{};

  friend auto operator<=>(const digest128&, const digest128&) = default;
};

// Any thread; does not allocate.
[[nodiscard]] digest128 digest_of(std::span<const std::byte> content) noexcept;

// 32 lower-case hexadecimal digits, and back. nullopt for anything that is not 32 digits.
[[nodiscard]] std::string to_hex(const digest128& digest);
[[nodiscard]] std::optional<digest128> parse_digest(std::string_view text) noexcept;

// The digest of content that comes in pieces. One thread at a time; movable; a moved-from stream
// may only be destroyed or assigned to.
class digest_stream {
 public:
  digest_stream();
  ~digest_stream();
  digest_stream(digest_stream&&) noexcept;
  digest_stream& operator=(digest_stream&&) noexcept;

  void update(std::span<const std::byte> piece) noexcept;

  // The digest of everything since the start or the last reset; more may follow.
  [[nodiscard]] digest128 digest() const noexcept;

  void reset() noexcept;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace sluice::base
