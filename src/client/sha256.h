// SHA-256 of content that comes in pieces (FIPS 180-4), by OpenSSL. It is what the HTTP side of a
// server tells of a file (RFC 9530).
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace sluice::client {

using sha256_value = std::array<std::byte, 32>;

// One thread at a time.
class sha256_stream {
 public:
  sha256_stream();
  ~sha256_stream();
  sha256_stream(sha256_stream&&) noexcept;
  sha256_stream& operator=(sha256_stream&&) noexcept;

  void update(std::span<const std::byte> piece);
  // Of all so far; more may follow.
  [[nodiscard]] sha256_value value() const;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

// Out of "sha-256=:BASE64:", as Repr-Digest has it, among others; nullopt where there is none.
[[nodiscard]] std::optional<sha256_value> parse_repr_digest(std::string_view field);

}  // namespace sluice::client
