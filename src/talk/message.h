// What is said in a room, and what may be said. Values; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/permission.h"
#include "catalog/talk.h"
#include "sluice/error.h"

namespace sluice::talk {

inline constexpr std::size_t text_characters_max = 4'000;  // code points
inline constexpr std::size_t drawing_bytes_max = std::size_t{16} << 10;
inline constexpr std::size_t nonce_bytes_max = 64;
inline constexpr std::size_t name_characters_max = 64;
inline constexpr std::int64_t time_ms_max = 1'000'000'000'000;  // in a film: 31 years

// Somebody who talks, as the protocol knows them.
struct person {
  std::string account_id{};  // "": somebody without an account
  std::string name{};        // the account's, or what a guest calls itself
  bool guest = false;
  std::string paced_as{};  // who is slowed down together: an account, an address
};

// By its account's name, or as a guest by the name that it gives, "" for none; guests are slowed
// down by their address.
[[nodiscard]] person person_of(const base::caller& who, std::string account, std::string name,
                               const std::string& address);

// What somebody says.
struct draft {
  std::string text{};
  std::optional<std::int64_t> at_ms{};     // from the beginning of the film
  std::optional<std::int64_t> until_ms{};  // the end of a range that begins there
  std::optional<std::int64_t> reply_to{};
  std::string drawing{};  // a JSON object; what is in it is the page's affair; "": none
  // The sayer's own mark, so that what is said again after a lost answer is kept once; "": none.
  std::string nonce{};
};

// What becomes of a message; what is not given stays.
struct amendment {
  std::int64_t id = 0;
  std::optional<std::string> text{};
  std::optional<bool> resolved{};
  bool deleted = false;
  std::string nonce{};  // a guest's proof that it said it: nobody else ever hears it
};

// A nonce of so many bytes proves that it is its maker's.
inline constexpr std::size_t proof_bytes_min = 16;

struct message {
  std::string path{};
  std::int64_t id = 0;
  std::int64_t version = 0;
  std::string account_id{};
  std::string author{};
  bool guest = false;
  std::int64_t time_ms = 0;  // since 1970-01-01 UTC
  std::string text{};        // "" once it is deleted
  std::optional<std::int64_t> at_ms{};
  std::optional<std::int64_t> until_ms{};
  std::optional<std::int64_t> reply_to{};
  bool resolved = false;
  bool edited = false;
  bool deleted = false;
  std::string drawing{};
};

// Whether `account_id` may call it its own. Nobody without an account may: see `amendment::nonce`.
[[nodiscard]] inline bool is_own(const message& what, const std::string& account_id) noexcept {
  return !what.guest && !account_id.empty() && what.account_id == account_id;
}

[[nodiscard]] message to_message(catalog::message_row row, std::string path);

// invalid_argument, with what is wrong. A text has 1 to 4,000 characters that are shown, with line
// feeds between them; one of nothing but blanks is empty.
[[nodiscard]] result<void> check_text(const std::string& text);
[[nodiscard]] result<void> check(const draft& what);
[[nodiscard]] result<void> check(const amendment& what);
// Of a guest: one line of 1 to 64 characters that are shown.
[[nodiscard]] result<void> check_name(const std::string& name);

// A message on its way to all who hear it. Shared by them; it does not change.
class spoken {
 public:
  explicit spoken(message what) : what_(std::move(what)) {}

  [[nodiscard]] const message& what() const noexcept { return what_; }

  // What a protocol makes of it, made once for all its listeners. Which of the places is whose is
  // the protocols' affair.
  static constexpr std::size_t forms_max = 4;
  template <class Make>
  [[nodiscard]] const std::string& form(std::size_t which, Make make) const {
    std::call_once(made_.at(which), [&] { forms_.at(which) = make(what_); });
    return forms_.at(which);
  }

 private:
  const message what_;
  mutable std::array<std::once_flag, forms_max> made_{};
  mutable std::array<std::string, forms_max> forms_{};
};
using spoken_ptr = std::shared_ptr<const spoken>;

}  // namespace sluice::talk
