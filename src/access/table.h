// The one table that says who may do what: accounts with what is granted to them, and the tokens
// that stand for them. It is in memory as a whole, so that every request can ask, and in the
// catalog, so that it lasts.
//
// Owner: whoever opens the catalog; outlives every caller that it made. Questions may come from any
// thread and block on nothing but a short lock. Changes block on the catalog, never on an I/O
// thread; they are in force, for running work too, when they return.
#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "access/grants.h"
#include "base/permission.h"
#include "base/secret.h"
#include "catalog/accounts.h"
#include "catalog/database.h"

namespace sluice::access {

struct account_facts {
  std::string name;
  bool has_password = false;
  std::int64_t created_s = 0;
  std::vector<grant> grants{};
};

struct token_facts {
  std::string id;
  std::string account;  // its name
  std::string label{};
  bool session = false;
  grant scope;
  std::int64_t created_s = 0;
  std::optional<std::int64_t> expires_s{};  // wall clock
};

struct token_wish {
  std::string account;  // its name
  std::string label{};
  grant scope{"", base::rights::all()};  // what it can be used for, of what its account may do
  std::optional<std::int64_t> expires_s{};
  bool session = false;
};

struct made_token {
  std::string id;
  base::secret text;  // told once; not kept
};

// What a password is held against.
struct kept_password {
  std::string account_id;
  std::string hash;
  std::uint64_t epoch = 0;  // another one after it was changed
};

// Seconds since 1970-01-01 UTC. Any thread.
using wall_clock = std::int64_t (*)();
[[nodiscard]] inline std::int64_t seconds_now() { return std::time(nullptr); }

class table {
 public:
  static constexpr std::size_t accounts_max = 10'000;
  static constexpr std::size_t tokens_max = 100'000;
  static constexpr std::size_t grants_max = 256;   // of one account
  static constexpr std::size_t sessions_max = 64;  // of one account; the oldest one goes then
  static constexpr std::size_t name_bytes_max = 64;

  // Reads what the catalog has. `of_strangers`: what is granted to those who say nothing of
  // themselves, everywhere. `database` outlives it.
  [[nodiscard]] static result<std::unique_ptr<table>> open(catalog::database& database,
                                                           base::rights of_strangers,
                                                           wall_clock clock = seconds_now);
  table(const table&) = delete;
  table& operator=(const table&) = delete;

  // --- who is it? ---
  [[nodiscard]] const base::caller_ptr& stranger() const noexcept { return stranger_; }
  // not_allowed: no token of ours, or not any more.
  [[nodiscard]] result<base::caller_ptr> find_by_token(const base::secret& text) const;
  [[nodiscard]] std::optional<kept_password> find_password(const std::string& account) const;
  // Somebody whose password was right just now.
  [[nodiscard]] base::caller_ptr caller_of(const kept_password& checked) const;

  // --- what may it do? For its visitors ---
  [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }
  [[nodiscard]] base::rights rights_of_account(const std::string& id, std::uint64_t epoch,
                                               std::string_view path, bool below) const;
  [[nodiscard]] base::rights rights_of_token(const std::string& id, std::string_view path,
                                             bool below) const;
  [[nodiscard]] std::int64_t now_s() const { return clock_(); }
  [[nodiscard]] base::rights rights_of_strangers() const noexcept { return of_strangers_; }

  // --- changes ---
  // invalid_argument: no name; exists; busy: as many as may be
  [[nodiscard]] result<void> add_account(const std::string& name, const std::string& password_hash,
                                         const std::vector<grant>& grants);
  // Its tokens and logins end. not_found
  [[nodiscard]] result<void> remove_account(const std::string& name);
  // Its sessions and logins by password end, its tokens do not. not_found
  [[nodiscard]] result<void> set_password(const std::string& name,
                                          const std::string& password_hash);
  // In place of what was granted for this path; no rights: nothing any more. not_found, busy
  [[nodiscard]] result<void> put_grant(const std::string& name, const grant& what);
  // not_found: no such account; busy
  [[nodiscard]] result<made_token> add_token(const token_wish& wanted);
  // not_found
  [[nodiscard]] result<void> revoke_token(const std::string& id);
  // Where this is the text of a browser session. A token that is none goes on.
  [[nodiscard]] result<void> end_session(const base::secret& text);
  // All browser sessions of the account, and its logins by password. not_found
  [[nodiscard]] result<void> end_sessions(const std::string& name);

  [[nodiscard]] std::vector<account_facts> accounts() const;
  [[nodiscard]] std::vector<token_facts> tokens() const;
  // Of an account's id; "" where there is none.
  [[nodiscard]] std::string name_of(const std::string& account_id) const;

 private:
  struct account {
    catalog::account_row row;
    std::vector<grant> grants{};
    std::uint64_t epoch = 0;
  };
  using account_map = std::map<std::string, account, std::less<>>;  // by id

  table(catalog::database& database, base::rights of_strangers, wall_clock clock);
  [[nodiscard]] result<void> load();
  [[nodiscard]] result<void> commit(catalog::database::operation change);
  [[nodiscard]] account* find(const std::string& name);
  [[nodiscard]] const account* find(const std::string& name) const;
  void changed() noexcept { ++generation_; }
  void forget_token(const std::string& id);
  [[nodiscard]] std::vector<std::string> sessions_of(const std::string& account_id) const;
  [[nodiscard]] result<void> end_all(const std::vector<std::string>& token_ids);

  catalog::database& database_;
  const base::rights of_strangers_;
  const wall_clock clock_;
  base::caller_ptr stranger_;
  std::mutex changing_;  // one change at a time, from the catalog to the memory; before `mutex_`
  mutable std::shared_mutex mutex_;
  account_map accounts_;
  std::map<std::string, std::string, std::less<>> names_;          // name -> id
  std::map<std::string, catalog::token_row, std::less<>> tokens_;  // by id
  std::map<catalog::token_digest, std::string> digests_;           // -> id of the token
  std::uint64_t epochs_ = 0;
  std::atomic<std::uint64_t> generation_ = 1;
};

}  // namespace sluice::access
