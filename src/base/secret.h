// A password, a token or a key, in memory: it cannot be formatted or logged, and is wiped.
#pragma once

#include <cstring>
#include <string>
#include <string_view>

namespace sluice::base {

// Overwrites the bytes of a text, whatever the optimiser thinks of it, and empties it.
inline void wipe(std::string& text) noexcept {
  ::explicit_bzero(text.data(), text.size());
  text.clear();
}

// Move-only; one owner. Deliberately without operator<<, conversion and formatter: who needs the
// text calls `reveal`, which is easy to find.
class secret {
 public:
  secret() = default;
  // Takes the text over, and wipes where it was.
  explicit secret(std::string&& text) : text_(text) { wipe(text); }
  // Copied, not moved: a short text that is moved from keeps its bytes.
  secret(secret&& other) noexcept {
    text_ = other.text_;
    wipe(other.text_);
  }
  secret& operator=(secret&& other) noexcept {
    if (this == &other) return *this;
    wipe(text_);
    text_ = other.text_;
    wipe(other.text_);
    return *this;
  }
  secret(const secret&) = delete;
  secret& operator=(const secret&) = delete;
  ~secret() { wipe(text_); }

  [[nodiscard]] static secret copy_of(std::string_view text) { return secret(std::string(text)); }

  [[nodiscard]] bool empty() const noexcept { return text_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return text_.size(); }
  // Valid as long as this object.
  [[nodiscard]] std::string_view reveal() const noexcept { return text_; }

 private:
  std::string text_;
};

}  // namespace sluice::base
