// Where clients say who they are, whatever the protocol: by a token, by a link, or by an account's
// password. The secret of a link is given as a token; of one that has a password as the account
// with that password.
//
// Tokens cannot be guessed and cost a look into a table. Passwords can be: so each check takes
// argon2id's time on a few threads of its own, wrong ones make the account and the address wait
// (backoff.h), and an unknown account costs and answers the same as a wrong password. Whoever
// floods an account with wrong passwords keeps out its passwords, never its tokens.
//
// Where more passwords come than can be checked, those go first that come from an address where
// one was right before, then those that ask since longest: who was turned away and comes again is
// ahead of all who come for the first time. And where a flood of those comes, none of them is
// checked at all: each is told to come again, which guessers from ten thousand addresses would have
// to do as well (what mail servers call greylisting).
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <variant>

#include "access/backoff.h"
#include "access/hashing_pool.h"
#include "access/newcomers.h"
#include "access/table.h"
#include "base/permission.h"
#include "base/recent_map.h"
#include "base/secret.h"

namespace sluice::access {

struct gate_limits {
  backoff_limits per_account{};
  backoff_limits per_address{.free_tries = 20};
  // At the same time. Each fills the caches and takes a core's share of the memory's rate, which
  // transfers feel whatever its priority (bench/access): so most cores stay without.
  std::size_t hashing = std::clamp(std::thread::hardware_concurrency() / 4, 1U, 4U);
  std::size_t hashing_waiting = 16;        // then clients are told to come again
  std::uint32_t newcomers_per_second = 4;  // beyond, they are told so unheard
  std::size_t askers_max = 16'384;         // who was turned away: a second's worth of any flood
  std::size_t known_max = 4096;            // from where people came in before
  std::size_t remembered_max = 256;        // passwords that were right a moment ago
  std::chrono::seconds remembered_for{300};
};

// Why a login is refused, and when it is worth to try again.
struct denial {
  error why;
  std::chrono::seconds wait{0};
  bool must_count = false;      // see `by_link`
  bool wants_password = false;  // it is a link, and that is missing or wrong
};
using login = std::expected<base::caller_ptr, denial>;
using login_callback = std::move_only_function<void(login)>;

// Owner: the server; outlives all connections. Any thread.
class gate {
 public:
  explicit gate(table& of, gate_limits limits = {});
  // What waits is still answered.
  ~gate() = default;
  gate(const gate&) = delete;
  gate& operator=(const gate&) = delete;

  [[nodiscard]] table& accounts() noexcept { return table_; }
  [[nodiscard]] const base::caller_ptr& stranger() const noexcept { return table_.stranger(); }

  [[nodiscard]] base::caller_ptr stranger(base::origin from) const {
    return table_.stranger(std::move(from));
  }

  // At once. not_allowed; must_count: the uses of the link are counted, and `by_link` does it.
  [[nodiscard]] login by_token(const base::secret& text, const base::origin& from = {}) const;
  // Blocks on the catalog. not_allowed
  [[nodiscard]] login by_link(const base::secret& text, const base::origin& from);

  // `address` is where it comes from, as net::address_key has it. `done` is called once: from a
  // thread of the pool, inside this call, or inside a later one of somebody who goes first. It is
  // short and blocks on nothing.
  //   not_allowed; busy: too many were wrong, or too many wait
  void by_password(std::string account, base::secret password, const std::string& address,
                   login_callback done, base::origin from = {});
  // Somebody came in, for the record.
  void note_login(const base::caller& who) const;

  // Entries of its tables: never more than their limits say.
  [[nodiscard]] std::size_t entries() const;

 private:
  using digest = catalog::token_digest;
  struct remembered {
    digest of{};
    kept_password what;
    backoff::clock::time_point until;
  };

  [[nodiscard]] digest digest_of(const std::string& account, const base::secret& password) const;
  [[nodiscard]] base::caller_ptr recall(const std::string& account, const digest& of,
                                        const base::origin& from);
  void remember(const digest& of, const std::string& address, const kept_password& what);
  // nullopt: too many come for the first time, and this is one of them.
  [[nodiscard]] std::optional<hashing_pool::place> place_of(const std::string& account,
                                                            const std::string& address);
  void forget_asker(const std::string& account, const std::string& address);
  [[nodiscard]] std::optional<denial> check_patience(const std::string& account,
                                                     const std::string& address);
  [[nodiscard]] login judge(const std::string& account, const base::secret& password,
                            const std::string& address, const base::origin& from);
  [[nodiscard]] login refuse(denial why, const base::origin& from, std::string_view account) const;

  table& table_;
  const gate_limits limits_;
  const base::secret key_;  // of `digest_of`: new with every start
  backoff accounts_;
  backoff addresses_;
  mutable std::mutex mutex_;
  std::list<remembered> remembered_;                          // the latest first
  base::recent_map<hashing_pool::clock::time_point> askers_;  // since when each asks
  base::recent_map<std::monostate> known_addresses_;          // a password from there was right
  newcomers newcomers_;
  hashing_pool pool_;  // the last: what it still does needs the others
};

}  // namespace sluice::access
