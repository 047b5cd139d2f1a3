// The key of a direct transfer: what both sides have and nobody else.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "base/secret.h"
#include "sluice/error.h"

namespace sluice::net {

// 25 symbols of five bits, to be read out and typed: "k3m7q-9xf2v-8dhtr-0w5jz-c4pbn". Movable;
// wiped at its end.
class direct_key {
 public:
  static constexpr std::size_t symbols = 25;
  static constexpr std::size_t group = 5;

  // A new one from the system's random numbers. internal: there are none.
  [[nodiscard]] static result<direct_key> make();
  // What somebody typed: upper case, missing and further hyphens and blanks, and the letters o, i
  // and l for the digits that they look like are all fine. invalid_argument, without the text.
  [[nodiscard]] static result<direct_key> parse(std::string_view text);

  // In groups, for the eyes of the user.
  [[nodiscard]] std::string_view reveal() const noexcept { return text_.reveal(); }

  // The pre-shared key of TLS that is made of it (docs/wire.md, section 9).
  using pre_shared = std::array<unsigned char, 32>;
  [[nodiscard]] pre_shared derive() const;

 private:
  explicit direct_key(base::secret text) : text_(std::move(text)) {}
  base::secret text_;
};

}  // namespace sluice::net
